// Local contrast normalisation: inference/anomaly/local_contrast.py.

import { mirrored } from "./maps.js";

const MIDDLE = 118;
const SPREAD = 35; // grey levels
const LEAST_SPREAD = 2; // grey levels; below, noise would be blown up

/**
 * @param {Uint8Array} pixels [height, width, 3]
 * @param {number} height
 * @param {number} width
 * @param {number} window side of a pixel's surroundings
 * @returns {Uint8Array} the same mean and contrast of brightness around every pixel
 */
export function normalizeLocalContrast(pixels, height, width, window) {
  const count = height * width;
  const grey = Float32Array.from({ length: count }, (_, n) => (pixels[3 * n] + pixels[3 * n + 1] + pixels[3 * n + 2]) / 3);
  const middle = boxMean(grey, height, width, window);
  const spread = boxMean(grey.map((one) => one * one), height, width, window).map((square, n) =>
    Math.sqrt(Math.max(square - middle[n] ** 2, LEAST_SPREAD ** 2)),
  );
  const normalised = new Uint8Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const values = Float32Array.from({ length: count }, (_, n) => pixels[3 * n + channel]);
    const around = boxMean(values, height, width, window);
    for (let n = 0; n < count; n++) {
      const level = ((values[n] - around[n]) / spread[n]) * SPREAD + MIDDLE + 0.5;
      normalised[3 * n + channel] = Math.min(Math.max(level, 0), 255);
    }
  }
  return normalised;
}

/**
 * The mean over a square around each pixel, by running sums, mirrored at the edges.
 * @param {Float32Array} values [height, width]
 * @param {number} height
 * @param {number} width
 * @param {number} window
 * @returns {Float32Array}
 */
export function boxMean(values, height, width, window) {
  const reach = Math.floor(window / 2);
  const down = new Float32Array(values.length);
  for (let column = 0; column < width; column++) meanAlong(values, down, column, width, height, reach);
  const across = new Float32Array(values.length);
  for (let row = 0; row < height; row++) meanAlong(down, across, row * width, 1, width, reach);
  return across;
}

/**
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} start
 * @param {number} step
 * @param {number} length
 * @param {number} reach
 */
function meanAlong(from, to, start, step, length, reach) {
  const at = (/** @type {number} */ place) => from[start + step * mirrored(place, length)];
  let sum = 0;
  for (let place = -reach; place <= reach; place++) sum += at(place);
  for (let place = 0; place < length; place++) {
    to[start + step * place] = sum / (2 * reach + 1);
    sum += at(place + reach + 1) - at(place - reach);
  }
}
