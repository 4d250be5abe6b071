// The card of a model -> what the page says of it.

import { element, make } from "./elements.js";
import { ANOMALY } from "../anomaly/scorer.js";
import { accuracy, anomalies, classes, percent, pixels, STRINGS } from "./strings.js";

/** @param {import("../model/card.js").Card} card */
export function showModel(card) {
  const known = card.labels.filter((label) => !card.reject_labels.includes(label));
  element("model-title", HTMLElement).textContent = card.training.title ?? card.recipe;
  const findsAnomalies = card.decision === ANOMALY;
  element("model-measured", HTMLElement).hidden = findsAnomalies;
  element("model-accuracy", HTMLElement).textContent = accuracy(card.measured.accuracy);
  const words = findsAnomalies ? anomalies(card.region_labels) : classes(known, card.enrolled.length);
  element("model-classes", HTMLElement).textContent = words;
  const sentences = card.measured.in_words ?? [];
  element("model-threshold", HTMLElement).replaceChildren(...sentences.map((/** @type {string} */ one) => make("li", one)));
  const facts = [
    [STRINGS.modelSize, `${pixels(card.input_size)}, ${card.quantization}`],
    ...(findsAnomalies ? [] : [[STRINGS.modelThreshold, percent(card.threshold)]]),
  ];
  const rows = facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]);
  element("model-facts", HTMLElement).replaceChildren(...rows);
}
