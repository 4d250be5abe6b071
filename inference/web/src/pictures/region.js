// A box in a photograph -> the whole pixels that the network is to see: inference/pictures/regions.py.

import { InputError } from "../errors.js";

/** @typedef {[number, number, number, number]} Box left, top, width, height in pixels of the upright photograph */

/**
 * @param {Box} box
 * @param {number} margin share of the box's side added on each side, as the training's patches had
 * @param {number} width of the photograph
 * @param {number} height
 * @returns {Box}
 */
export function widen(box, margin, width, height) {
  const [left, right] = span(box[0], box[2], margin, width);
  const [top, bottom] = span(box[1], box[3], margin, height);
  if (left >= right || top >= bottom) throw new InputError("The box must overlap the picture. Draw it again.");
  return [left, top, right - left, bottom - top];
}

/**
 * @param {number} start
 * @param {number} length
 * @param {number} margin
 * @param {number} side
 */
function span(start, length, margin, side) {
  const pad = round(length * margin);
  const first = Math.max(round(start), 0);
  const last = Math.min(round(start + length), side);
  if (first >= last) return [0, 0];
  return [Math.max(round(start) - pad, 0), Math.min(round(start + length) + pad, side)];
}

/**
 * As Python rounds: a half goes to the even number.
 * @param {number} value
 */
export function round(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
