// held_out.npz -> vectors and probabilities of validation pictures, for thresholds: inference/model/held_out.py.

import { misfit, readArrays } from "../formats/array_file.js";
import { scaleToLength1 } from "../model/neighbours.js";

export const HELD_OUT = "held_out.npz";
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { vectors: ["|i1", 2], classes: ["<u2", 1], probabilities: ["<f2", 2], rule: ["<f8", 1] };

/**
 * @typedef {object} HeldOut
 * @property {Float32Array[]} vectors of the pictures, of length 1
 * @property {number[]} classes of the pictures, numbers of their labels
 * @property {Float32Array[]} probabilities of the network for each
 * @property {number} accepted the share that the model's threshold accepts
 * @property {number} threshold of the model as it was trained
 */

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {number} labels of the network
 * @param {number} dimensions of the neighbours
 * @returns {HeldOut | null} null: the model has none
 */
export function readHeldOut(files, labels, dimensions) {
  const data = files.get(HELD_OUT);
  if (!data) return null;
  const [vectors, classes, probabilities, rule] = readArrays(data, COLUMNS, HELD_OUT);
  const count = vectors.shape[0];
  const fits =
    count > 0 && classes.values.length === count && probabilities.shape[0] === count &&
    vectors.shape[1] === dimensions && probabilities.shape[1] === labels && rule.values.length === 2 &&
    classes.values.every((/** @type {number} */ one) => one < labels) &&
    rule.values.every((/** @type {number} */ one) => one >= 0 && one <= 1);
  if (!fits) throw misfit(HELD_OUT);
  const unit = Float32Array.from(vectors.values);
  for (let start = 0; start < unit.length; start += dimensions) scaleToLength1(unit, start, dimensions);
  const [accepted, threshold] = rule.values;
  return {
    vectors: rowsOf(unit, dimensions),
    classes: Array.from(classes.values),
    probabilities: rowsOf(Float32Array.from(probabilities.values), labels),
    accepted,
    threshold,
  };
}

/**
 * @param {Float32Array} values [rows, length]
 * @param {number} length
 * @returns {Float32Array[]}
 */
export function rowsOf(values, length) {
  return Array.from({ length: values.length / length }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
