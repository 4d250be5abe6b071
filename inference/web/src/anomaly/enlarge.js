// A map of positions -> the same at a photograph's size, row by row: Pillow's bilinear resize of numbers, with a box.

/** @typedef {import("./maps.js").NumberMap} NumberMap */

/** Rows are made when they are asked for, since a photograph may have more pixels than a phone has room for numbers. */
export class Enlarged {
  /**
   * @param {NumberMap} map a position is stride pixels wide; the positions may cover a little more than was seen
   * @param {number} stride
   * @param {{width: number, height: number}} seen that the network saw
   * @param {{width: number, height: number}} size to have
   */
  constructor(map, stride, seen, size) {
    this.map = map;
    this.size = size;
    this.across = makeTaps(Math.min(seen.width / stride, map.columns), map.columns, size.width);
    this.down = makeTaps(Math.min(seen.height / stride, map.rows), map.rows, size.height);
    /** @type {Map<number, Float32Array>} */
    this.wide = new Map(); // rows of the map, enlarged across
    this.highest = Float32Array.from({ length: map.rows }, (_, row) => {
      return map.values.subarray(row * map.columns, (row + 1) * map.columns).reduce((one, other) => Math.max(one, other), -Infinity);
    });
    this.target = new Float32Array(size.width);
  }

  /**
   * @param {number} row from 0, in any order; ascending is quick
   * @returns {Float32Array} is overwritten by the next one
   */
  row(row) {
    const { target } = this;
    const [first, ...weights] = this.down[row];
    const sources = weights.map((_, n) => this.#wideRow(first + n));
    if (sources.length === 1) return sources[0];
    if (sources.length === 2) {
      const [one, other] = sources;
      const [weight, rest] = weights;
      for (let n = 0; n < target.length; n++) target[n] = one[n] * weight + other[n] * rest;
      return target;
    }
    for (let n = 0; n < target.length; n++) target[n] = weights.reduce((sum, weight, tap) => sum + weight * sources[tap][n], 0);
    return target;
  }

  /**
   * @param {number} row
   * @returns {number} what none of its numbers exceeds, at once: they are means of those of the map
   */
  bound(row) {
    const [first, ...weights] = this.down[row];
    return weights.reduce((most, _, n) => Math.max(most, this.highest[first + n]), -Infinity);
  }

  /** @param {number} row of the map */
  #wideRow(row) {
    const known = this.wide.get(row);
    if (known) return known;
    if (this.wide.size > 2 + this.down[0].length) this.wide.clear();
    const { values, columns } = this.map;
    const start = row * columns;
    const wide = new Float32Array(this.across.length);
    for (let place = 0; place < wide.length; place++) {
      const taps = this.across[place]; // taken apart by hand: there are thousands in every row
      let sum = 0;
      for (let n = 1; n < taps.length; n++) sum += values[start + taps[0] + n - 1] * taps[n];
      wide[place] = sum;
    }
    this.wide.set(row, wide);
    return wide;
  }
}

/**
 * For each new place the first old one that counts, and the weights of it and those behind it; see resize.js.
 * @param {number} end of what is enlarged, from 0, in old places
 * @param {number} length of all old places
 * @param {number} count of new places
 * @returns {number[][]}
 */
function makeTaps(end, length, count) {
  const scale = end / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const last = Math.min(Math.trunc(centre + support + 0.5), length);
    const weights = Array.from({ length: last - first }, (__, n) => Math.max(1 - Math.abs((first + n - centre + 0.5) / support), 0));
    const whole = weights.reduce((sum, one) => sum + one, 0);
    return [first, ...weights.map((one) => (whole ? one / whole : one))];
  });
}
