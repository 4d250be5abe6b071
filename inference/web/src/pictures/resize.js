// RGB pixels -> the network's size, by Pillow's antialiased BILINEAR, value by value: the runner's resize_image.
//
// Source: Resample.c of Pillow, ImagingResampleHorizontal_8bpc and its precompute_coeffs: one pass across and one down, in
// whole numbers with 22 bits behind the point, and pixels of 8 bits between the two. Which pass Pillow 13 makes first
// was found by trying; the tests compare with the Pillow that the runner has.

const PRECISION_BITS = 32 - 8 - 2;
const HALF = 2 ** (PRECISION_BITS - 1);

/** @typedef {{first: number, weights: Int32Array}} Weights of a new pixel: of the old ones from the first on */

/** Rows of a picture come in strips, so that a large photograph is never held in full. */
export class Resize {
  /**
   * @param {number} width of the picture
   * @param {number} height
   * @param {number} toWidth
   * @param {number} toHeight
   */
  constructor(width, height, toWidth, toHeight) {
    this.width = width;
    this.across = makeWeights(width, toWidth);
    this.downFirst = height > toHeight && height - toHeight > 2 * (width - toWidth);
    this.stride = 3 * (this.downFirst ? width : toWidth);
    this.sums = new Int32Array(toHeight * this.stride).fill(HALF); // [toHeight, width or toWidth, 3]
    this.targets = turnAround(makeWeights(height, toHeight), height);
    this.row = new Uint8Array(3 * toWidth);
    this.rows = 0;
  }

  /**
   * @param {ArrayLike<number>} pixels [rows, width, channels]
   * @param {number} channels 3, or 4 of which the last is left out
   */
  addRows(pixels, channels) {
    const stride = this.width * channels;
    for (let start = 0; start < pixels.length; start += stride) {
      if (this.downFirst) {
        this.#addDown(pixels, start, channels);
      } else {
        shrinkRow(pixels, start, channels, this.across, this.row, 0);
        this.#addDown(this.row, 0, 3);
      }
    }
  }

  /** @returns {Uint8Array} [toHeight, toWidth, 3] */
  finish() {
    const pixels = new Uint8Array(this.sums.length);
    for (let place = 0; place < pixels.length; place++) pixels[place] = toByte(this.sums[place]);
    if (!this.downFirst) return pixels;
    const stride = this.row.length;
    const result = new Uint8Array((pixels.length / this.stride) * stride);
    for (let row = 0; row * stride < result.length; row++) {
      shrinkRow(pixels, row * this.stride, 3, this.across, result, row * stride);
    }
    return result;
  }

  /**
   * Add a row to the new rows that it counts for.
   * @param {ArrayLike<number>} pixels
   * @param {number} start
   * @param {number} channels
   */
  #addDown(pixels, start, channels) {
    const { stride, sums } = this;
    for (const { row, weight } of this.targets[this.rows++]) {
      const end = (row + 1) * stride;
      for (let place = row * stride, from = start; place < end; place += 3, from += channels) {
        sums[place] += pixels[from] * weight;
        sums[place + 1] += pixels[from + 1] * weight;
        sums[place + 2] += pixels[from + 2] * weight;
      }
    }
  }
}

/**
 * @param {ArrayLike<number>} pixels
 * @param {number} start of the row
 * @param {number} channels
 * @param {Weights[]} across
 * @param {Uint8Array} row takes [across, 3]
 * @param {number} target where in it
 */
function shrinkRow(pixels, start, channels, across, row, target) {
  for (const { first, weights } of across) {
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    let place = start + first * channels;
    for (let n = 0; n < weights.length; n++, place += channels) {
      const weight = weights[n];
      red += Math.imul(pixels[place], weight); // whole numbers of 32 bits, for which engines have fast code
      green += Math.imul(pixels[place + 1], weight);
      blue += Math.imul(pixels[place + 2], weight);
    }
    row[target++] = toByte(red);
    row[target++] = toByte(green);
    row[target++] = toByte(blue);
  }
}

/** @param {number} sum */
function toByte(sum) {
  return Math.min(Math.max(sum >> PRECISION_BITS, 0), 255);
}

/**
 * @param {Weights[]} weights of old rows for each new one
 * @param {number} count of old rows
 * @returns {{row: number, weight: number}[][]} for each old row the new ones that it counts for
 */
function turnAround(weights, count) {
  /** @type {{row: number, weight: number}[][]} */
  const targets = Array.from({ length: count }, () => []);
  weights.forEach((one, row) => one.weights.forEach((weight, n) => targets[one.first + n].push({ row, weight })));
  return targets;
}

/**
 * For each new pixel the first old one that counts, and the weights of it and those behind it.
 * @param {number} from
 * @param {number} to
 * @returns {Weights[]}
 */
function makeWeights(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1); // of the triangle: it widens as the picture shrinks
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const shares = Array.from({ length: end - first }, (_, n) =>
      Math.max(1 - Math.abs((first + n - centre + 0.5) * (1 / support)), 0),
    );
    const whole = shares.reduce((sum, share) => sum + share, 0);
    const weights = shares.map((share) => Math.trunc(0.5 + (whole ? share / whole : share) * 2 ** PRECISION_BITS));
    return { first, weights: Int32Array.from(weights) };
  });
}
