// The card of a model -> what the page says of it.

import { element, make } from "./elements.js";
import { accuracy, classes, percent, pixels, STRINGS } from "./strings.js";

/** @param {import("./card.js").Card} card */
export function showModel(card) {
  const known = card.labels.filter((label) => !card.reject_labels.includes(label));
  element("model-title", HTMLElement).textContent = card.training.title ?? card.recipe;
  element("model-accuracy", HTMLElement).textContent = accuracy(card.measured.accuracy);
  element("model-classes", HTMLElement).textContent = classes(known, card.enrolled.length);
  const sentences = card.measured.in_words ?? [];
  element("model-threshold", HTMLElement).replaceChildren(...sentences.map((/** @type {string} */ one) => make("li", one)));
  const facts = [
    [STRINGS.modelSize, `${pixels(card.input_size)}, ${card.quantization}`],
    [STRINGS.modelThreshold, percent(card.threshold)],
  ];
  const rows = facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]);
  element("model-facts", HTMLElement).replaceChildren(...rows);
}
