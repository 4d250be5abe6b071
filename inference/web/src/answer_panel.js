// What the network saw -> the answer in words, and a bar for each label.

import { UNKNOWN } from "./card.js";
import { element, make } from "./elements.js";
import { duration, nearest, percent, STRINGS } from "./strings.js";

const MOST_BARS = 8;

/**
 * @param {import("./classifier.js").Seen} seen
 * @param {import("./card.js").Card} card
 */
export function showAnswer(seen, card) {
  const { result, confidence } = seen.answer;
  const unknown = result === UNKNOWN;
  const ranked = card.labels
    .map((label, place) => ({ label, share: seen.probabilities[place], reject: card.reject_labels.includes(label) }))
    .sort((one, other) => other.share - one.share);
  const panel = element("answer", HTMLElement);
  panel.hidden = false;
  panel.classList.toggle("is-unknown", unknown);
  element("answer-result", HTMLElement).textContent = unknown ? STRINGS.unknown : result;
  element("answer-confidence", HTMLElement).textContent = unknown ? "" : percent(confidence);
  element("answer-why", HTMLElement).textContent = unknown
    ? `${STRINGS.unknownWhy} ${nearest(bestLabel(seen, card), confidence, card.threshold)}`
    : "";
  element("answer-time", HTMLElement).textContent = duration(seen);
  element("answer-bars", HTMLElement).replaceChildren(...ranked.slice(0, MOST_BARS).map(makeBar));
}

/**
 * @param {import("./classifier.js").Seen} seen
 * @param {import("./card.js").Card} card
 * @returns {string} the answer in one line; of "unknown" what was nearest, since that is what the confidence belongs to
 */
export function inOneLine(seen, card) {
  const { result, confidence } = seen.answer;
  if (result !== UNKNOWN) return `${result}, ${percent(confidence)}`;
  return `${STRINGS.unknown}. ${nearest(bestLabel(seen, card), confidence, card.threshold)}`;
}

/**
 * @param {import("./classifier.js").Seen} seen
 * @param {import("./card.js").Card} card
 */
function bestLabel({ probabilities }, card) {
  const answers = card.labels.map((_, place) => place).filter((place) => !card.reject_labels.includes(card.labels[place]));
  return card.labels[answers.reduce((best, place) => (probabilities[place] > probabilities[best] ? place : best))];
}

export function hideAnswer() {
  element("answer", HTMLElement).hidden = true;
}

/** @param {{label: string, share: number, reject: boolean}} one */
function makeBar({ label, share, reject }) {
  const bar = make("li", "", reject ? "bar is-reject" : "bar");
  const track = make("span", "", "bar-track");
  const fill = make("span", "", "bar-fill");
  fill.style.width = percent(share).replace(" ", "");
  track.append(fill);
  bar.append(make("span", label, "bar-label"), track, make("span", percent(share), "bar-share"));
  return bar;
}
