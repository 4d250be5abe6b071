// surface.npz -> scores in which a position's colour counts, and the background does not: inference/anomaly/surface.py.

import { misfit, readArrays } from "../formats/array_file.js";
import { medianOf } from "../model/median.js";
import { labelComponents } from "./components.js";
import { makeMap } from "./maps.js";
import { smooth } from "./memory_bank.js";

/** @typedef {import("./maps.js").NumberMap} NumberMap */
/** @typedef {{pixels: Uint8Array, height: number, width: number}} Photograph RGB, as the network sees it */

const NAME = "surface.npz";
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { mean: ["<f4", 1], whitening: ["<f4", 2], scale: ["<f8", 1] };
const NUMBERS = 7; // of a position: its colour at two smoothings, and its contrast
const SMOOTHINGS = [4, 12]; // pixels
const DARK = 0.3; // of the median brightness; darker regions at the photograph's edge are background
const LEAST_BACKGROUND = 0.01; // of the photograph's area
const TINY = 1e-6;

export class Surface {
  /**
   * @param {ArrayLike<number>} mean [NUMBERS]
   * @param {ArrayLike<number>} whitening [NUMBERS, NUMBERS]
   * @param {ArrayLike<number>} scale see Surface in Python
   */
  constructor(mean, whitening, scale) {
    this.mean = mean;
    this.whitening = whitening;
    this.grainAxis = scale[0];
    this.feature = { median: scale[1], power: scale[2] };
    this.colour = { median: scale[3], power: scale[4] };
    this.masksBackground = Boolean(scale[5]);
  }

  /**
   * @param {NumberMap} distances of the feature vectors
   * @param {Photograph} photograph
   * @param {number} stride
   * @returns {NumberMap} background positions have the score of the bulk, 1
   */
  scores(distances, photograph, stride) {
    const { rows, columns } = distances;
    const background = this.masksBackground ? findBackground(photograph, stride) : new Uint8Array(rows * columns);
    const layers = describeColour(photograph, stride, background, this.grainAxis);
    return makeMap(rows, columns, (row, column) => {
      const place = row * columns + column;
      if (background[place]) return 1;
      return power(distances.values[place], this.feature) * power(this.#colourDistance(layers, place), this.colour);
    });
  }

  /**
   * @param {NumberMap[]} layers
   * @param {number} place
   * @returns {number} Mahalanobis distance
   */
  #colourDistance(layers, place) {
    const off = layers.map((layer, n) => layer.values[place] - this.mean[n]);
    let sum = 0;
    for (let column = 0; column < NUMBERS; column++) {
      let value = 0;
      for (let row = 0; row < NUMBERS; row++) value += off[row] * this.whitening[row * NUMBERS + column];
      sum += value * value;
    }
    return Math.sqrt(sum);
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @returns {Surface | null} null: the model has none
 */
export function readSurface(files) {
  const data = files.get(NAME);
  if (!data) return null;
  const [mean, whitening, scale] = readArrays(data, COLUMNS, NAME);
  const [axis, median, , colourMedian] = scale.values;
  const fits =
    mean.values.length === NUMBERS && whitening.shape.every((side) => side === NUMBERS) &&
    scale.values.length === 6 && [-1, 0, 1].includes(axis) && median > 0 && colourMedian > 0;
  if (!fits) throw misfit(NAME);
  return new Surface(mean.values, whitening.values, scale.values);
}

/**
 * @param {Photograph} photograph
 * @param {number} stride
 * @param {Uint8Array} background of each position
 * @param {number} grainAxis
 * @returns {NumberMap[]} a map for each of the NUMBERS
 */
function describeColour(photograph, stride, background, grainAxis) {
  const { pixels } = photograph;
  const colours = [0, 1, 2].map((channel) => cellMeans(photograph, stride, (n) => pixels[3 * n + channel]));
  const contrast = makeMap(colours[0].rows, colours[0].columns, (row, column) => {
    let [sum, squares] = [0, 0];
    visitCell(photograph, stride, row, column, (n) => {
      const grey = pixels[3 * n] + pixels[3 * n + 1] + pixels[3 * n + 2]; // three times the brightness, so that sums are exact
      sum += grey;
      squares += grey * grey;
    });
    const count = stride ** 2;
    return Math.log1p(Math.sqrt(Math.max(squares / count - (sum / count) ** 2, 0)) / 3);
  });
  const smoothed = SMOOTHINGS.flatMap((width) => colours.map((one) => smooth(one, width / stride)));
  return [...smoothed, contrast].map((layer) => withoutGrain(layer, background, grainAxis));
}

/**
 * @param {Photograph} photograph
 * @param {number} stride
 * @returns {Uint8Array} 1 where large dark regions at the edge are no surface
 */
function findBackground(photograph, stride) {
  const { pixels } = photograph;
  const brightest = (/** @type {number} */ n) => Math.max(pixels[3 * n], pixels[3 * n + 1], pixels[3 * n + 2]);
  const brightness = smooth(cellMeans(photograph, stride, brightest), SMOOTHINGS[0] / stride);
  const { rows, columns, values } = brightness;
  const limit = Math.fround(DARK * medianOf(values));
  const { labels, count } = labelComponents(rows, columns, (place) => values[place] < limit);
  const sizes = new Int32Array(count + 1);
  const isAtEdge = new Uint8Array(count + 1);
  labels.forEach((label, place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    sizes[label]++;
    if (!row || !column || row === rows - 1 || column === columns - 1) isAtEdge[label] = 1;
  });
  const least = LEAST_BACKGROUND * labels.length;
  return Uint8Array.from(labels, (label) => (label && isAtEdge[label] && sizes[label] >= least ? 1 : 0));
}

/**
 * The mean of each cell of stride x stride pixels.
 * @param {Photograph} photograph
 * @param {number} stride
 * @param {(place: number) => number} valueAt
 */
function cellMeans(photograph, stride, valueAt) {
  const { height, width } = photograph;
  return makeMap(Math.ceil(height / stride), Math.ceil(width / stride), (row, column) => {
    let sum = 0;
    visitCell(photograph, stride, row, column, (place) => (sum += valueAt(place)));
    return sum / stride ** 2;
  });
}

/**
 * Visit the pixels of a cell; the edge is repeated.
 * @param {Photograph} photograph
 * @param {number} stride
 * @param {number} row
 * @param {number} column
 * @param {(place: number) => void} visit
 */
function visitCell({ height, width }, stride, row, column, visit) {
  for (let y = row * stride; y < (row + 1) * stride; y++) {
    const start = Math.min(y, height - 1) * width;
    for (let x = column * stride; x < (column + 1) * stride; x++) visit(start + Math.min(x, width - 1));
  }
}

/**
 * Subtract the median along the grain, so that stripes and light that falls off along it do not count.
 * @param {NumberMap} map
 * @param {Uint8Array} background
 * @param {number} axis 0: of every column, 1: of every row, -1: none
 */
function withoutGrain(map, background, axis) {
  if (axis < 0) return map;
  const { rows, columns, values } = map;
  const [lines, length] = axis ? [rows, columns] : [columns, rows];
  const medians = Array.from({ length: lines }, (_, line) => {
    const places = Array.from({ length }, (__, n) => (axis ? line * columns + n : n * columns + line));
    const seen = places.filter((place) => !background[place]).map((place) => values[place]);
    return seen.length ? medianOf(seen) : 0;
  });
  return makeMap(rows, columns, (row, column) => values[row * columns + column] - medians[axis ? row : column]);
}

/**
 * @param {number} distance
 * @param {{median: number, power: number}} scale
 */
function power(distance, scale) {
  return Math.max(distance / scale.median, TINY) ** scale.power;
}
