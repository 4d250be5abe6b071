// Test vectors behind a network -> does it give the scores here that it gave when it was exported? inference/verify/.

import { misfit, readArrays } from "../formats/array_file.js";

const FILE = "vectors.npz";
const COLUMNS = /** @type {import("../formats/array_file.js").Columns} */ ({
  pictures: ["|u1", 4],
  scores: ["<f4", 2],
  tolerances: ["<f8", 1],
});
const LEAST = [4, 1]; // pictures of each run; a buffer that keeps what was in it is right the first time
const ENOUGH = 1000; // milliseconds, after which the least is enough: large networks take as long for one picture

/**
 * @typedef {object} Vectors
 * @property {Uint8Array[]} pictures small and square
 * @property {number} side of them
 * @property {number[][]} scores the model's for each, where it was exported
 * @property {number} tolerance how far another machine's may be off
 */

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @returns {Vectors | null} null: a file of an earlier version, which has none
 */
export function readVectors(files) {
  const data = files.get(FILE);
  if (!data) return null;
  const [pictures, scores, tolerances] = readArrays(data, COLUMNS, FILE);
  const [count, side, across, channels] = pictures.shape;
  if (!count || side !== across || channels !== 3 || scores.shape[0] !== count) throw misfit(FILE);
  return {
    pictures: rowsOf(pictures.values, count).map((row) => Uint8Array.from(row)),
    side,
    scores: rowsOf(scores.values, count),
    tolerance: tolerances.values[0],
  };
}

/**
 * @param {Uint8Array} picture [side, side, 3]
 * @param {number} side
 * @param {number} height
 * @param {number} width
 * @returns {Uint8Array} [height, width, 3] of its nearest pixels
 */
export function enlarge(picture, side, height, width) {
  const large = new Uint8Array(height * width * 3);
  for (let place = 0; place < large.length; place++) {
    const pixel = Math.floor(place / 3);
    const row = Math.floor((Math.floor(pixel / width) * side) / height);
    const column = Math.floor(((pixel % width) * side) / width);
    large[place] = picture[(row * side + column) * 3 + (place % 3)];
  }
  return large;
}

/**
 * @param {(pixels: Uint8Array) => Promise<Float32Array>} numbers what a model computes of a picture
 * @param {number[]} size height and width of the picture
 * @param {Vectors} vectors
 * @returns {Promise<boolean>} whether its scores are those of the export, the first and the second time
 */
export async function agrees(numbers, [height, width], vectors) {
  const begun = performance.now();
  for (const least of LEAST) {
    for (const [n, picture] of vectors.pictures.entries()) {
      if (n >= least && performance.now() - begun > ENOUGH) break;
      const scores = await numbers(enlarge(picture, vectors.side, height, width));
      const expected = vectors.scores[n];
      if (scores.length !== expected.length) return false;
      if (!scores.every((score, place) => Math.abs(score - expected[place]) <= vectors.tolerance)) return false;
    }
  }
  return true;
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} count
 * @returns {number[][]}
 */
function rowsOf(values, count) {
  const length = values.length / count;
  return Array.from({ length: count }, (_, n) => Array.from({ length }, (__, place) => values[n * length + place]));
}
