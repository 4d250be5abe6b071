// Pixels of a photograph -> scores, regions and the answer: inference/anomaly/detector.py, apart from network and picture.

import { logistic } from "../model/neighbours.js";
import { round } from "../pictures/region.js";
import { Regions, traceContour } from "./components.js";
import { Enlarged } from "./enlarge.js";
import { normalizeLocalContrast } from "./local_contrast.js";
import { halfHeights, readMemoryBank, topMean } from "./memory_bank.js";
import { describe, readRegionNames } from "./region_names.js";
import { medianOfRows } from "./row_median.js";
import { readSurface } from "./surface.js";
import { Tiling } from "./tiles.js";

export const ANOMALY = "anomaly";
export const NORMAL = "normal";
const DIGITS = 1e6; // six behind the point
const MOST_COMPARED = 32; // positions down and across, of a test vector
export const LEAST_CLEAR = 0.85; // confidence of "normal" below which it is near the threshold

/**
 * @typedef {import("./maps.js").NumberMap} NumberMap
 * @typedef {import("./components.js").Component} Component
 * @typedef {{width: number, height: number}} Size
 * @typedef {{map: NumberMap, size: Size, seen: Size}} Evidence the scores of positions, of a photograph of this size of
 *   which the network has seen that
 * @typedef {{box: number[], area: number, score: number, result: string, confidence: number, contour: [number, number][]}} Region
 * @typedef {import("../model/decide.js").Answer & {score: number, regions: Region[]}} AnomalyAnswer
 */

export class Scorer {
  /**
   * @param {Map<string, Uint8Array>} files packed behind the model
   * @param {import("../model/card.js").Card} card
   * @param {{side: number, stride: number, features: number}} network
   */
  constructor(files, card, { side, stride, features }) {
    this.bank = readMemoryBank(files, features);
    this.surface = readSurface(files);
    this.names = readRegionNames(files, card.region_labels);
    this.threshold = card.threshold;
    this.features = features;
    const { margin, alignment } = this.bank.scale;
    this.tiling = new Tiling(side, margin, stride, alignment);
  }

  /** @returns {number} the raw score from which a position is an anomaly */
  get scoreThreshold() {
    const { threshold, width } = this.bank.scale;
    if (this.threshold <= 0) return -Infinity;
    return this.threshold >= 1 ? Infinity : threshold + width * Math.log(this.threshold / (1 - this.threshold));
  }

  /**
   * @param {Size} size of a photograph
   * @returns {Size} to which it is reduced before the network sees it
   */
  seenSize({ width, height }) {
    const { longestSide } = this.bank.scale;
    const factor = longestSide / Math.max(width, height);
    if (!longestSide || factor >= 1) return { width, height };
    return { width: Math.max(1, round(width * factor)), height: Math.max(1, round(height * factor)) };
  }

  /**
   * @param {(tile: Uint8Array) => Promise<Float32Array>} network
   * @param {Uint8Array} reduced pixels [height, width, 3]
   * @param {Size} seen
   * @returns {Promise<NumberMap>} the score of each position
   */
  async score(network, reduced, { width, height }) {
    const { stride } = this.tiling;
    const { localContrast } = this.bank.scale;
    const pixels = localContrast ? normalizeLocalContrast(reduced, height, width, localContrast) : reduced;
    const { rows, columns, values } = await this.tiling.look(network, pixels, height, width, this.features);
    const distances = this.bank.distances(values, rows, columns);
    const joined = this.surface ? this.surface.scores(distances, { pixels, height, width }, stride) : distances;
    return this.bank.finish(joined, stride);
  }

  /**
   * What test vectors compare; see Detector.numbers in Python.
   * @param {(tile: Uint8Array) => Promise<Float32Array>} network
   * @param {Uint8Array} pixels of a photograph of one tile
   */
  async numbers(network, pixels) {
    const { step } = this.tiling;
    const seen = this.seenSize({ width: step, height: step });
    const { rows, columns, values } = await this.score(network, pixels, seen);
    const every = Math.ceil(Math.max(rows, columns) / MOST_COMPARED);
    return values.filter((_, place) => Math.floor(place / columns) % every === 0 && (place % columns) % every === 0);
  }

  /**
   * @param {Evidence} evidence
   * @param {Size} size at which the regions are wanted: the photograph's, or a smaller one to show them soon
   * @returns {{components: Component[], highest: number, scores: Enlarged}} the largest first; highest score anywhere
   */
  find({ map, seen }, size = seen) {
    const { smallestArea, halo, scoreShare } = this.bank.scale;
    const { stride } = this.tiling;
    const scores = new Enlarged(map, stride, seen, size);
    const limit = Math.fround(this.scoreThreshold);
    const factor = size.width / seen.width;
    const sharpens = halo > 0 && this.threshold > 0;
    const halves = sharpens ? this.#halves(map, factor, size) : null;
    const isNormal = scoreShare > 0 && topMean(map.values, scoreShare) < this.scoreThreshold;
    const regions = new Regions();
    let highest = -Infinity;
    for (let row = 0; row < size.height; row++) {
      const bound = scores.bound(row);
      const isEmpty = isNormal || bound < limit;
      if (isEmpty && bound <= highest) {
        regions.addRow(row, 0, () => false);
        continue;
      }
      const values = scores.row(row);
      for (let column = 0; column < size.width; column++) highest = Math.max(highest, values[column]);
      const least = isEmpty ? null : halves?.row(row);
      const isIn = (/** @type {number} */ column) => values[column] >= limit && (!least || values[column] >= least[column]);
      regions.addRow(row, isEmpty ? 0 : size.width, isIn, values);
    }
    return { components: regions.components(Math.max(1, round(smallestArea * factor ** 2))), highest, scores };
  }

  /**
   * @param {NumberMap} map
   * @param {number} factor
   * @param {Size} size
   */
  #halves(map, factor, size) {
    const reach = Math.max(1, round(this.bank.scale.halo / this.tiling.stride));
    const side = (/** @type {number} */ length) => Math.max(1, round(length / factor));
    const seen = { width: side(size.width), height: side(size.height) };
    return new Enlarged(halfHeights(map, reach), this.tiling.stride, seen, size);
  }

  /**
   * @param {Evidence} evidence
   * @param {Uint8Array | null} grey brightness of the photograph [height, width], where regions have names
   * @returns {AnomalyAnswer}
   */
  answer(evidence, grey) {
    const { components, highest, scores } = this.find(evidence, evidence.size);
    const { scoreShare } = this.bank.scale;
    const inRegions = components.length ? Math.max(...components.map((one) => one.highest)) : highest;
    const score = scoreShare ? topMean(evidence.map.values, scoreShare) : inRegions;
    const probability = this.#probability(score);
    const confidence = components.length ? Math.max(probability, 0.5) : 1 - Math.min(probability, 0.5);
    return {
      confidence: rounded(confidence),
      result: components.length ? ANOMALY : NORMAL,
      score: rounded(score),
      regions: this.#name(evidence, components, scores, grey),
    };
  }

  /**
   * @param {Evidence} evidence
   * @param {Component[]} components
   * @param {Enlarged} scores
   * @param {Uint8Array | null} grey
   * @returns {Region[]}
   */
  #name({ size, seen }, components, scores, grey) {
    const names = this.names;
    const around = names && grey && components.length
      ? {
          medianScore: medianOfRows(size.height, size.width, (row) => scores.row(row)),
          medianGrey: medianOfBytes(grey),
          grey,
          width: size.width,
          factor: size.width / seen.width,
        }
      : null;
    return components.map((one) => {
      const plain = { result: ANOMALY, confidence: this.#probability(one.highest) };
      const { result, confidence } = names && around ? names.name(describe(one, around)) : plain;
      const contour = traceContour(one);
      return { box: one.box, area: one.area, score: rounded(one.highest), result, confidence: rounded(confidence), contour };
    });
  }

  /** @param {number} score raw */
  #probability(score) {
    return logistic((score - this.scoreThreshold) / this.bank.scale.width);
  }
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * DIGITS) / DIGITS;
}

/** @param {Uint8Array} values at least one */
function medianOfBytes(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value]++;
  const at = (/** @type {number} */ rank) => {
    let reached = 0;
    return counts.findIndex((count) => (reached += count) > rank);
  };
  const middle = values.length / 2;
  return (at(Math.floor(middle - 0.5)) + at(Math.floor(middle))) / 2;
}
