// card.json -> what the page must know of a model, checked as inference/card.py does.

import { InputError } from "./errors.js";
import { sha256 } from "./sha256.js";

const CARD_NAME = "card.json";
const CARD_FORMAT = 1;
const AGAIN = "Export the model again.";

/**
 * @typedef {object} Card
 * @property {string} recipe
 * @property {string[]} labels one for each output, in the output's order
 * @property {string[]} reject_labels those that mean "none of them"
 * @property {[number, number]} input_size height and width in pixels
 * @property {string} decision
 * @property {string} resize
 * @property {number} threshold
 * @property {number} region_margin
 * @property {string} quantization
 * @property {string} flatbuffer_sha256
 * @property {Record<string, any>} training
 * @property {Record<string, any>} measured
 */

/**
 * @param {{flatbuffer: Uint8Array, files: Map<string, Uint8Array>}} artefact
 * @param {string[]} decisions those that the page knows
 * @returns {Card}
 */
export function readCard(artefact, decisions) {
  const data = artefact.files.get(CARD_NAME);
  if (!data) throw new InputError(`The model carries no ${CARD_NAME}. Give a .tflite that export wrote.`);
  const card = parse(data);
  checkValues(card, decisions);
  const found = sha256(artefact.flatbuffer);
  if (found !== card.flatbuffer_sha256) {
    throw new InputError(`The model's card belongs to another network. ${AGAIN}`);
  }
  return card;
}

/** @param {Uint8Array} data */
function parse(data) {
  let card;
  try {
    card = JSON.parse(new TextDecoder().decode(data));
  } catch (fault) {
    throw new InputError(`${CARD_NAME} is no JSON: ${fault}. ${AGAIN}`);
  }
  if (card?.format !== CARD_FORMAT) {
    throw new InputError(`${CARD_NAME} must have format ${CARD_FORMAT}. Received: ${card?.format}. Update the page.`);
  }
  return card;
}

/**
 * @param {Card} card
 * @param {string[]} decisions
 */
function checkValues(card, decisions) {
  const { labels, reject_labels: rejected, input_size: size } = card;
  const isTexts = (/** @type {unknown} */ value) =>
    Array.isArray(value) && value.every((text) => typeof text === "string") && new Set(value).size === value.length;
  /** @type {[string, unknown, boolean][]} */
  const rules = [
    ["labels must be unique texts", labels, isTexts(labels) && labels.length > 0],
    ["reject_labels must be some of the labels", rejected, isTexts(rejected) && rejected.length < labels.length],
    ["input_size must be two numbers", size, Array.isArray(size) && size.every((side) => side > 0)],
    ["resize must be stretch", card.resize, card.resize === "stretch"],
    [`decision must be one of ${decisions.join(", ")}`, card.decision, decisions.includes(card.decision)],
    ["threshold must lie in [0, 1]", card.threshold, card.threshold >= 0 && card.threshold <= 1],
    ["region_margin must be 0 or more", card.region_margin, card.region_margin >= 0],
  ];
  for (const [rule, received, holds] of rules) {
    if (!holds) throw new InputError(`${CARD_NAME}: ${rule}. Received: ${received}. Update the page or export again.`);
  }
}

/**
 * @param {Card} card
 * @returns {number[]} places of the labels that an answer can give
 */
export function answersOf(card) {
  return card.labels.flatMap((label, place) => (card.reject_labels.includes(label) ? [] : [place]));
}
