// card.json -> what the page must know of a model, checked as inference/model/card.py does.

import { InputError } from "../errors.js";
import { sha256 } from "../formats/sha256.js";

const CARD_NAME = "card.json";
const CARD_FORMAT = 1;
export const UNKNOWN = "unknown";
const DECISIONS = ["softmax", "neighbours", "anomaly"]; // neighbours: softmax of what neighbours.js has weighed
const AGAIN = "Export the model again.";
const DEFAULTS = { resize: "stretch", region_margin: 0, enrolled: [], region_labels: [], training: {}, measured: {} };

/**
 * @typedef {object} Card
 * @property {string} recipe
 * @property {string[]} labels one for each output, in the output's order, then the added classes
 * @property {string[]} enrolled those of the labels that were added after the training
 * @property {string[]} region_labels names of regions, of models that find anomalies
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
 * @returns {Card}
 */
export function readCard(artefact) {
  const data = artefact.files.get(CARD_NAME);
  if (!data) throw new InputError(`The model carries no ${CARD_NAME}. Give a .tflite that export wrote.`);
  const card = parse(data);
  checkValues(card);
  const found = sha256(artefact.flatbuffer);
  if (found !== card.flatbuffer_sha256) {
    throw new InputError(`The model's card belongs to another network. ${AGAIN}`);
  }
  return card;
}

/** @param {Uint8Array} data */
function parse(data) {
  let read;
  try {
    read = JSON.parse(new TextDecoder().decode(data));
  } catch (fault) {
    throw new InputError(`${CARD_NAME} is no JSON: ${fault}. ${AGAIN}`);
  }
  if (read?.format !== CARD_FORMAT) {
    throw new InputError(`${CARD_NAME} must have format ${CARD_FORMAT}. Received: ${read?.format}. Update the page.`);
  }
  const card = { ...DEFAULTS, ...read };
  for (const key of ["labels", "reject_labels", "input_size", "enrolled", "region_labels"]) {
    if (!Array.isArray(card[key])) {
      throw new InputError(`${CARD_NAME}: ${key} must be a list. Received: ${card[key]}. ${AGAIN}`);
    }
  }
  return card;
}

/** @param {Card} card */
function checkValues(card) {
  const { labels, reject_labels: rejected, enrolled, input_size: size, region_labels: named } = card;
  /** @type {[string, unknown, boolean][]} */
  const rules = [
    ["labels must be unique texts, at least one", labels, areLabels(labels)],
    ["enrolled must be the last of the labels, not all", enrolled, areLast(card)],
    ["reject_labels must be some of the labels, not all", rejected, areSome(card)],
    ["only a reject label may be called unknown", labels, rejected.includes(UNKNOWN) || !labels.includes(UNKNOWN)],
    ["input_size must be two positive numbers", size, isSize(size)],
    ["resize must be stretch", card.resize, card.resize === "stretch"],
    [`decision must be one of ${DECISIONS.join(", ")}`, card.decision, DECISIONS.includes(card.decision)],
    ["threshold must lie in [0, 1]", card.threshold, isNumber(card.threshold) && card.threshold <= 1],
    ["region_margin must be 0 or more", card.region_margin, isNumber(card.region_margin)],
    ["region_labels must be unique texts", named, !named.length || areLabels(named)],
  ];
  for (const [rule, received, holds] of rules) {
    if (!holds) throw new InputError(`${CARD_NAME}: ${rule}. Received: ${received}. Update the page or export again.`);
  }
}

/** @param {unknown[]} labels */
function areLabels(labels) {
  return labels.every((one) => typeof one === "string") && new Set(labels).size === labels.length && labels.length > 0;
}

/** @param {unknown} value 0 or more */
function isNumber(value) {
  return Number.isFinite(value) && Number(value) >= 0;
}

/** @param {Card} card */
function areLast({ labels, reject_labels: rejected, enrolled }) {
  const known = labels.length - enrolled.length;
  return known > 0 && enrolled.every((label, n) => label === labels[known + n] && !rejected.includes(label));
}

/** @param {Card} card */
function areSome(card) {
  return card.reject_labels.every((label) => card.labels.includes(label)) && trainedAnswersOf(card).length > 0;
}

/** @param {unknown[]} size */
function isSize(size) {
  return size.length === 2 && size.every((side) => Number.isInteger(side) && Number(side) > 0);
}

/**
 * @param {Card} card
 * @returns {string[]} the labels of the network's outputs
 */
export function outputsOf(card) {
  return card.labels.slice(0, card.labels.length - card.enrolled.length);
}

/**
 * @param {Card} card
 * @returns {number[]} places of the network's outputs that an answer can give
 */
export function trainedAnswersOf(card) {
  return answersOf(card).filter((place) => place < card.labels.length - card.enrolled.length);
}

/**
 * @param {Card} card
 * @returns {number[]} places of the labels that an answer can give, added classes too
 */
export function answersOf(card) {
  return card.labels.flatMap((label, place) => (card.reject_labels.includes(label) ? [] : [place]));
}
