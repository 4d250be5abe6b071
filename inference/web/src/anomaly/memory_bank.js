// bank.npz -> scores of positions by their distance to normal ones: inference/anomaly/memory_bank.py, number by number.

import { misfit, readArrays } from "../formats/array_file.js";
import { medianOf } from "../model/median.js";
import { makeMap, mirrored } from "./maps.js";
import { NearestVectors } from "./nearest.js";

/** @typedef {import("./maps.js").NumberMap} NumberMap */

const NAME = "bank.npz";
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { vectors: ["<f2", 2], scale: ["<f8", 1] };
const SCALE = [
  "threshold", "width", "smoothing", "margin", "longestSide", "smallestArea", "halo", "border", "normalizeByMedian",
  "centred", "localContrast", "scoreShare", "alignment",
]; // the numbers of the file, in this order
const TINY = 1e-6;

/**
 * @typedef {object} Scale see MemoryBank in Python; pixels are those of the photograph as the network sees it
 * @property {number} threshold
 * @property {number} width
 * @property {number} smoothing
 * @property {number} margin
 * @property {number} longestSide
 * @property {number} smallestArea
 * @property {number} halo
 * @property {number} border
 * @property {number} normalizeByMedian
 * @property {number} centred
 * @property {number} localContrast
 * @property {number} scoreShare
 * @property {number} alignment
 */

export class MemoryBank {
  /**
   * @param {Float32Array} vectors [vectors, features]
   * @param {number} features
   * @param {Scale} scale
   */
  constructor(vectors, features, scale) {
    this.scale = scale;
    this.nearest = new NearestVectors(vectors, features);
  }

  /**
   * @param {Float32Array} positions [rows, columns, features]; is overwritten where the bank is centred
   * @param {number} rows
   * @param {number} columns
   * @returns {NumberMap} the distance of each to the nearest vector
   */
  distances(positions, rows, columns) {
    if (this.scale.centred) centre(positions, this.nearest.features);
    return { rows, columns, values: this.nearest.distances(positions) };
  }

  /**
   * @param {NumberMap} distances
   * @param {number} stride of the map, in pixels
   * @returns {NumberMap} the scores: without the border, relative, smoothed
   */
  finish(distances, stride) {
    const { border, normalizeByMedian, smoothing } = this.scale;
    const { rows, columns } = distances;
    const median = medianOf(distances.values);
    const edge = Math.ceil(border / stride);
    const cut = edge && 2 * edge < Math.min(rows, columns) ? edge : 0;
    const scale = normalizeByMedian ? Math.max(median, TINY) : 1;
    const inner = makeMap(rows, columns, (row, column) => {
      const isEdge = Math.min(row, column, rows - 1 - row, columns - 1 - column) < cut;
      return (isEdge ? median : distances.values[row * columns + column]) / scale;
    });
    return smooth(inner, smoothing);
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {number} features of the network's map
 * @returns {MemoryBank}
 */
export function readMemoryBank(files, features) {
  const data = files.get(NAME);
  if (!data) throw misfit(NAME);
  const [vectors, numbers] = readArrays(data, COLUMNS, NAME);
  const [, width, smoothing, ...others] = numbers.values;
  const fits =
    numbers.values.length === SCALE.length && vectors.shape[0] > 0 && vectors.shape[1] === features &&
    width > 0 && smoothing >= 0 && smoothing < 100 && others.every((one) => one >= 0);
  if (!fits) throw misfit(NAME);
  const scale = /** @type {any} */ (Object.fromEntries(SCALE.map((name, n) => [name, numbers.values[n]])));
  return new MemoryBank(/** @type {Float32Array} */ (vectors.values), features, scale);
}

/**
 * Blur with a Gaussian, mirrored at the edges.
 * @param {NumberMap} map
 * @param {number} deviation in positions; 0 leaves the map
 * @returns {NumberMap}
 */
export function smooth(map, deviation) {
  if (deviation <= 0) return map;
  const reach = Math.max(1, Math.ceil(3 * deviation));
  const powers = Array.from({ length: 2 * reach + 1 }, (_, n) => Math.exp(-0.5 * ((n - reach) / deviation) ** 2));
  const whole = powers.reduce((sum, one) => sum + one, 0);
  const kernel = powers.map((one) => one / whole);
  const { rows, columns } = map;
  const [above, beside] = [rows, columns].map((length) =>
    Int32Array.from({ length: length + 2 * reach }, (_, n) => mirrored(n - reach, length)),
  );
  const down = makeMap(rows, columns, (row, column) => {
    let sum = 0;
    for (let n = 0; n < kernel.length; n++) sum += kernel[n] * map.values[above[row + n] * columns + column];
    return sum;
  });
  return makeMap(rows, columns, (row, column) => {
    let sum = 0;
    for (let n = 0; n < kernel.length; n++) sum += kernel[n] * down.values[row * columns + beside[column + n]];
    return sum;
  });
}

/**
 * @param {NumberMap} scores
 * @param {number} reach in positions
 * @returns {NumberMap} half the way from the median to the highest score within reach
 */
export function halfHeights(scores, reach) {
  const { rows, columns, values } = scores;
  const median = Math.fround(medianOf(values));
  const within = (/** @type {number} */ place, /** @type {number} */ length) => [Math.max(place - reach, 0), Math.min(place + reach, length - 1)];
  const down = makeMap(rows, columns, (row, column) => {
    const [first, last] = within(row, rows);
    let highest = -Infinity;
    for (let one = first; one <= last; one++) highest = Math.max(highest, values[one * columns + column]);
    return highest;
  });
  return makeMap(rows, columns, (row, column) => {
    const [first, last] = within(column, columns);
    let highest = -Infinity;
    for (let one = first; one <= last; one++) highest = Math.max(highest, down.values[row * columns + one]);
    return median + (highest - median) / 2;
  });
}

/**
 * @param {Float32Array} scores
 * @param {number} share
 * @returns {number} the mean over the share of them that is highest, at least one
 */
export function topMean(scores, share) {
  const exact = share * scores.length;
  const half = Math.floor(exact) % 2 ? Math.ceil(exact) : Math.floor(exact); // as Python rounds a half
  const count = Math.max(1, exact % 1 === 0.5 ? half : Math.round(exact));
  return scores.slice().sort().subarray(-count).reduce((sum, one) => sum + one, 0) / count;
}

/**
 * @param {Float32Array} positions [positions, features]
 * @param {number} features
 */
function centre(positions, features) {
  const sums = new Float64Array(features);
  for (let place = 0; place < positions.length; place++) sums[place % features] += positions[place];
  const count = positions.length / features;
  for (let place = 0; place < positions.length; place++) positions[place] -= sums[place % features] / count;
}
