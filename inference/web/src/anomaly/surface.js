// surface.npz -> scores in which a position's colour counts, and the background does not: inference/anomaly/surface.py.

import { misfit, readArrays } from "../formats/array_file.js";
import { medianOf } from "../model/median.js";
import { labelComponents } from "./components.js";
import { makeMap } from "./maps.js";
import { smooth } from "./memory_bank.js";

/** @typedef {import("./maps.js").NumberMap} NumberMap */
/**
 * @typedef {object} Cells squares of stride x stride pixels, each a position
 * @property {number} rows
 * @property {number} columns
 * @property {number} stride
 * @property {Float64Array[]} sums of red, green, blue and the brightest of them
 * @property {Float64Array} squares of the sum of the three
 */
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
    const cells = sumCells(photograph, stride);
    const background = this.masksBackground ? findBackground(cells) : new Uint8Array(rows * columns);
    const layers = describeColour(cells, background, this.grainAxis);
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
 * @param {Cells} cells
 * @param {Uint8Array} background of each position
 * @param {number} grainAxis
 * @returns {NumberMap[]} a map for each of the NUMBERS
 */
function describeColour(cells, background, grainAxis) {
  const { stride, sums, squares } = cells;
  const count = stride ** 2;
  const colours = sums.slice(0, 3).map((one) => meanOf(cells, one));
  const contrast = makeMap(cells.rows, cells.columns, (row, column) => {
    const place = row * cells.columns + column;
    const grey = sums[0][place] + sums[1][place] + sums[2][place]; // three times the brightness, so that sums are exact
    return Math.log1p(Math.sqrt(Math.max(squares[place] / count - (grey / count) ** 2, 0)) / 3);
  });
  const smoothed = SMOOTHINGS.flatMap((width) => colours.map((one) => smooth(one, width / stride)));
  return [...smoothed, contrast].map((layer) => withoutGrain(layer, background, grainAxis));
}

/**
 * @param {Cells} cells
 * @returns {Uint8Array} 1 where large dark regions at the edge are no surface
 */
function findBackground(cells) {
  const brightness = smooth(meanOf(cells, cells.sums[3]), SMOOTHINGS[0] / cells.stride);
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
 * Sums over the pixels of each cell, in one pass over all pixels; the edge is repeated.
 * @param {Photograph} photograph
 * @param {number} stride
 * @returns {Cells}
 */
function sumCells({ pixels, height, width }, stride) {
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const sums = Array.from({ length: 4 }, () => new Float64Array(rows * columns));
  const [reds, greens, blues, brightest] = sums;
  const squares = new Float64Array(rows * columns);
  for (let y = 0; y < rows * stride; y++) {
    const first = Math.floor(y / stride) * columns;
    const start = Math.min(y, height - 1) * width;
    for (let x = 0; x < columns * stride; x++) {
      const from = 3 * (start + Math.min(x, width - 1));
      const [red, green, blue] = [pixels[from], pixels[from + 1], pixels[from + 2]];
      const cell = first + Math.floor(x / stride);
      reds[cell] += red;
      greens[cell] += green;
      blues[cell] += blue;
      brightest[cell] += Math.max(red, green, blue);
      squares[cell] += (red + green + blue) ** 2;
    }
  }
  return { rows, columns, stride, sums, squares };
}

/**
 * @param {Cells} cells
 * @param {Float64Array} sums
 */
function meanOf({ rows, columns, stride }, sums) {
  return makeMap(rows, columns, (row, column) => sums[row * columns + column] / stride ** 2);
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
  const seen = new Float64Array(length);
  const medians = Float64Array.from({ length: lines }, (_, line) => {
    let count = 0;
    for (let n = 0; n < length; n++) {
      const place = axis ? line * columns + n : n * columns + line;
      if (!background[place]) seen[count++] = values[place];
    }
    return count ? medianOf(seen.subarray(0, count)) : 0;
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
