// Score, size and darkness of a region -> its name: inference/anomaly/region_names.py.

import { misfit, readArrays } from "../formats/array_file.js";
import { UNKNOWN } from "../model/card.js";

const NAME = "names.npz";
const NUMBERS = 4;
const NORMAL_NAMES = ["clean", "good", "normal", "ok"]; // of examples; never of a region
const LEAST_PROBABILITY = 0.5;
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { centre: ["<f4", 1], spread: ["<f4", 1], weights: ["<f4", 2], biases: ["<f4", 1] };

/**
 * @typedef {import("./components.js").Component} Component
 * @typedef {object} Surroundings of a photograph's regions
 * @property {number} medianScore
 * @property {number} medianGrey
 * @property {Uint8Array} grey [height, width]
 * @property {number} width
 * @property {number} factor pixels of the photograph for each pixel that the network saw
 */

export class RegionNames {
  /**
   * @param {string[]} labels
   * @param {ArrayLike<number>[]} arrays centre, spread, weights [NUMBERS, labels], biases
   */
  constructor(labels, [centre, spread, weights, biases]) {
    this.labels = labels;
    this.centre = centre;
    this.spread = spread;
    this.weights = weights;
    this.biases = biases;
  }

  /**
   * @param {number[]} description [NUMBERS]
   * @returns {{result: string, confidence: number}} "unknown" where no name has at least half of the probability
   */
  name(description) {
    const count = this.labels.length;
    const scaled = description.map((value, n) => (value - this.centre[n]) / this.spread[n]);
    const logits = this.labels.map((_, label) => scaled.reduce((sum, value, n) => sum + value * this.weights[n * count + label], this.biases[label]));
    const highest = Math.max(...logits);
    const powers = logits.map((one) => Math.exp(one - highest));
    const whole = powers.reduce((sum, one) => sum + one, 0);
    const named = this.labels.map((label, n) => ({ label, share: powers[n] / whole })).filter(({ label }) => !NORMAL_NAMES.includes(label.toLowerCase()));
    const best = named.reduce((one, other) => (other.share > one.share ? other : one), { label: UNKNOWN, share: 0 });
    if (best.share < LEAST_PROBABILITY) return { result: UNKNOWN, confidence: 1 - best.share };
    return { result: best.label, confidence: best.share };
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {string[]} labels of regions, in the card
 * @returns {RegionNames | null} null: the model has none
 */
export function readRegionNames(files, labels) {
  const data = files.get(NAME);
  if (!data) return null;
  const [centre, spread, weights, biases] = readArrays(data, COLUMNS, NAME);
  const fits =
    centre.values.length === NUMBERS && spread.values.length === NUMBERS && labels.length > 1 &&
    String(weights.shape) === String([NUMBERS, labels.length]) && biases.values.length === labels.length &&
    spread.values.every((/** @type {number} */ one) => one > 0);
  if (!fits) throw misfit(NAME);
  return new RegionNames(labels, [centre.values, spread.values, weights.values, biases.values]);
}

/**
 * @param {Component} component
 * @param {Surroundings} around
 * @returns {number[]} logarithms of its highest score, length, breadth and darkness
 */
export function describe(component, around) {
  const [length, breadth] = axes(component).map((one) => one / around.factor);
  const darkness = around.medianGrey / Math.max(meanGrey(component, around), 1);
  const highest = component.highest / Math.max(around.medianScore, 1e-6);
  return [highest, length, breadth, darkness].map((one) => Math.fround(Math.log(Math.max(one, 1e-6))));
}

/**
 * @param {Component} component
 * @param {Surroundings} around
 */
function meanGrey({ runs, area }, { grey, width }) {
  let sum = 0;
  for (const { row, start, end } of runs) for (let column = start; column < end; column++) sum += grey[row * width + column];
  return sum / area;
}

/**
 * @param {Component} component
 * @returns {[number, number]} length and breadth of the ellipse with the same second moments, in pixels
 */
function axes({ box: [left, top], runs, area }) {
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0]; // sums, from the box's corner so that they stay small
  for (const { row, start, end } of runs) {
    for (let column = start; column < end; column++) {
      const [across, down] = [column - left, row - top];
      x += across;
      y += down;
      xx += across * across;
      yy += down * down;
      xy += across * down;
    }
  }
  const varianceX = xx / area - (x / area) ** 2 + 1 / 12; // a pixel is a square, not a point
  const varianceY = yy / area - (y / area) ** 2 + 1 / 12;
  const covariance = xy / area - (x / area) * (y / area);
  const middle = (varianceX + varianceY) / 2;
  const half = Math.hypot((varianceX - varianceY) / 2, covariance);
  const [length, breadth] = [middle + half, middle - half].map((one) => 4 * Math.sqrt(Math.max(one, 1e-6)));
  return [length, breadth];
}
