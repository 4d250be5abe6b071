// What a model saw -> the answer in words, and a bar for each label or a line for each region.

import { LEAST_CLEAR, NORMAL } from "../anomaly/scorer.js";
import { UNKNOWN } from "../model/card.js";
import { element, make } from "./elements.js";
import { duration, nearest, percent, regionCount, regionSize, STRINGS } from "./strings.js";

const MOST_BARS = 8;
export const MOST_REGIONS = 12; // that are listed, and numbered on the picture

/**
 * @typedef {import("../model/model.js").Seen} Seen
 * @typedef {import("../model/card.js").Card} Card
 * @typedef {import("../anomaly/scorer.js").Region} Region
 */

/**
 * @param {Seen} seen
 * @param {Card} card
 */
export function showAnswer(seen, card) {
  const { result, confidence } = seen.answer;
  const unknown = result === UNKNOWN;
  const panel = element("answer", HTMLElement);
  panel.hidden = false;
  panel.classList.toggle("is-unknown", unknown);
  panel.classList.toggle("is-anomaly", "regions" in seen.answer && result !== NORMAL);
  element("answer-result", HTMLElement).textContent = unknown ? STRINGS.unknown : result;
  element("answer-confidence", HTMLElement).textContent = unknown ? "" : percent(confidence);
  element("answer-why", HTMLElement).textContent = why(seen, card);
  element("answer-time", HTMLElement).textContent = duration(seen);
  const ranked = card.labels
    .map((label, place) => ({ label, share: seen.probabilities[place], reject: card.reject_labels.includes(label) }))
    .sort((one, other) => other.share - one.share);
  const bars = seen.probabilities.length ? ranked.slice(0, MOST_BARS).map(makeBar) : [];
  element("answer-bars", HTMLElement).replaceChildren(...bars);
  const regions = "regions" in seen.answer ? seen.answer.regions.slice(0, MOST_REGIONS).map(makeRegion) : [];
  element("answer-regions", HTMLElement).replaceChildren(...regions);
}

/**
 * @param {Seen} seen
 * @param {Card} card
 * @returns {string} the answer in one line; of "unknown" what was nearest, since that is what the confidence belongs to
 */
export function inOneLine(seen, card) {
  const { result, confidence } = seen.answer;
  if (result === UNKNOWN) return `${STRINGS.unknown}. ${nearest(bestLabel(seen, card), confidence, card.threshold)}`;
  const count = "regions" in seen.answer && seen.answer.regions.length ? `, ${regionCount(seen.answer.regions.length)}` : "";
  return `${result}, ${percent(confidence)}${count}`;
}

/**
 * @param {Seen} seen
 * @param {Card} card
 */
function why(seen, card) {
  const { result, confidence } = seen.answer;
  if (result === UNKNOWN) return `${STRINGS.unknownWhy} ${nearest(bestLabel(seen, card), confidence, card.threshold)}`;
  if (!("regions" in seen.answer)) return "";
  if (seen.answer.regions.length) return regionCount(seen.answer.regions.length);
  return confidence < LEAST_CLEAR ? STRINGS.nearThreshold : STRINGS.noRegion;
}

/**
 * @param {Seen} seen
 * @param {Card} card
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

/**
 * @param {Region} region
 * @param {number} place
 */
function makeRegion({ result, confidence, box: [, , width, height] }, place) {
  const line = make("li", "", "region");
  line.append(make("span", String(place + 1), "hint"), make("span", result, "bar-label"), make("span", regionSize(width, height), "hint"), make("span", percent(confidence), "bar-share"));
  return line;
}
