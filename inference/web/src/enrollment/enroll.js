// A model's file + vectors of a few pictures -> the file with one class more: inference/enrollment/enroll.py.

import { splitArtefact } from "../model/artefact.js";
import { outputsOf, readCard, trainedAnswersOf, UNKNOWN } from "../model/card.js";
import { readEnrolled } from "../model/enrolled.js";
import { InputError } from "../errors.js";
import { halfToNumber, toHalf } from "../formats/half.js";
import { hasNeighbours, readNeighbours } from "../model/neighbours.js";
import { arraysToFile } from "../formats/npy_writer.js";
import { writeZip } from "../formats/zip_writer.js";
import { thresholdSentences } from "./estimate.js";
import { fitAdded, measureAdded } from "./fit.js";
import { HELD_OUT, readHeldOut } from "./held_out.js";
import { joined } from "./margins.js";

const CARD = "card.json";
const ENROLLED = "enrolled.npz";
const NOT_SHOWN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u; // controls, halves of a character, line and paragraph ends
export const FEWEST = 2;
const MEASURED_ON = "validation pictures of the trained classes, and the pictures given of the added ones";

/**
 * @typedef {import("../model/neighbours.js").Neighbours} Neighbours
 * @typedef {import("../model/enrolled.js").Enrolled} Enrolled
 * @typedef {{flatbuffer: Uint8Array, files: Map<string, Uint8Array>}} Artefact
 */

/** @param {Map<string, Uint8Array>} files packed behind a model */
export function canLearn(files) {
  return hasNeighbours(files) && files.has(HELD_OUT);
}

/**
 * @param {Uint8Array} data of the whole file
 * @param {string} name of the new class
 * @param {Float32Array[]} features of its pictures, as the network gives them
 * @returns {Uint8Array<ArrayBuffer>} the file with the class
 */
export function addClass(data, name, features) {
  const artefact = splitArtefact(data);
  const card = readCard(artefact);
  checkName(name, card.labels);
  const labels = outputsOf(card).length;
  const neighbours = readNeighbours(artefact.files, labels, features[0]?.length ?? 0);
  const { dimensions } = neighbours;
  const rows = withoutDuplicates(features.map((one) => neighbours.project(one).map(asStored)));
  if (rows.length < FEWEST) {
    throw new InputError(`${name}: needs at least ${FEWEST} different pictures, better 5 to 50. Received: ${rows.length}.`);
  }
  const heldOut = readHeldOut(artefact.files, labels, dimensions);
  if (!heldOut) throw new InputError("The model does not support added classes: it has no held-out pictures.");
  const before = card.enrolled.length ? readEnrolled(artefact.files, neighbours, card.enrolled.length).classes : [];
  const collections = [...before.map((one) => one.vectors), joined(rows, dimensions)];
  const answers = trainedAnswersOf(card);
  const { enrolled, threshold } = fitAdded(neighbours, heldOut, collections, answers);
  const names = [...card.enrolled, name];
  const measured = measureAdded(enrolled, heldOut, threshold, answers);
  const described = describe(measured, names, card.measured.trained ?? card.measured);
  return pack(artefact, enrolled, { labels: [...outputsOf(card), ...names], enrolled: names, threshold, measured: described });
}

/**
 * @param {string} name
 * @param {string[]} labels
 */
function checkName(name, labels) {
  const plain = (/** @type {string} */ text) => text.normalize("NFC").toLowerCase();
  const taken = [...labels, UNKNOWN].some((label) => plain(label) === plain(name));
  if (taken || name === "" || name !== name.trim() || NOT_SHOWN.test(name)) {
    throw new InputError(
      `A new class needs an unused name, whatever its capitals, one line of text, not “${UNKNOWN}”. Received: “${name}”; known: ${labels.join(", ")}.`,
    );
  }
}

/**
 * @param {ReturnType<typeof measureAdded>} figures
 * @param {string[]} names
 * @param {Record<string, any>} trained figures of the model without added classes
 */
function describe({ accuracy, accepted, added }, names, trained) {
  return {
    accuracy,
    accepted,
    added: Object.fromEntries(names.map((name, n) => [name, added[n]])),
    measured_on: MEASURED_ON,
    in_words: thresholdSentences(accepted),
    trained,
  };
}

/**
 * @param {Artefact} artefact
 * @param {Enrolled} enrolled
 * @param {Record<string, any>} changes of the card
 */
function pack({ flatbuffer, files }, { neighbours, classes }, changes) {
  const card = JSON.parse(new TextDecoder().decode(files.get(CARD))); // all of it, what the page does not know too
  const text = `${JSON.stringify(sortKeys({ ...card, ...changes }), null, 1)}\n`;
  const { dimensions } = neighbours;
  const vectors = classes.flatMap((one) => Array.from(one.vectors));
  const members = classes.flatMap((one, n) => new Array(one.vectors.length / dimensions).fill(n));
  const scale = classes.flatMap(({ count, middle, width, slope, offset }) => [count, middle, width, slope, offset]);
  const arrays = arraysToFile({
    vectors: { dtype: "<f2", shape: [members.length, dimensions], values: vectors },
    classes: { dtype: "<u2", shape: [members.length], values: members },
    scale: { dtype: "<f8", shape: [classes.length, scale.length / classes.length], values: scale },
  });
  const all = new Map([...files, [CARD, new TextEncoder().encode(text)], [ENROLLED, arrays]]);
  return packFiles(flatbuffer, all);
}

/**
 * @param {Uint8Array} flatbuffer
 * @param {Map<string, Uint8Array>} files
 */
export function packFiles(flatbuffer, files) {
  return writeZip(flatbuffer, new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1))));
}

/** @param {number} value */
function asStored(value) {
  return halfToNumber(toHalf(value));
}

/**
 * @param {Float32Array[]} rows
 * @returns {Float32Array[]} sorted by their first differing number, each once, as numpy's unique gives them
 */
function withoutDuplicates(rows) {
  const sorted = rows.slice().sort(compare);
  return sorted.filter((row, n) => n === 0 || compare(row, sorted[n - 1]) !== 0);
}

/**
 * @param {Float32Array} one
 * @param {Float32Array} other
 */
function compare(one, other) {
  const place = one.findIndex((value, n) => value !== other[n]);
  return place < 0 ? 0 : one[place] - other[place];
}

/**
 * @param {any} value
 * @returns {any} with the keys of all objects sorted
 */
function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sortKeys(value[key])]));
}
