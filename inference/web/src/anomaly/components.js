// A mask -> its connected regions: inference/anomaly/components.py. Corners connect; regions are runs of pixels.

const AROUND = [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]]; // clockwise from the right

/**
 * @typedef {object} Run pixels of one row that lie beside each other
 * @property {number} row
 * @property {number} start
 * @property {number} end behind the last
 * @property {number} highest score
 */

/**
 * @typedef {object} Component
 * @property {[number, number, number, number]} box left, top, width, height
 * @property {number} area in pixels
 * @property {Run[]} runs by rows
 * @property {number} highest score
 */

/** Collects the runs of a mask row by row, and joins those that touch. */
export class Regions {
  constructor() {
    /** @type {Run[]} */
    this.runs = [];
    /** @type {number[]} */
    this.parents = [];
    this.above = [0, 0]; // places of the first run of the row before, and of the first behind it
  }

  /**
   * @param {number} row counted up by one
   * @param {number} width
   * @param {(column: number) => boolean} isIn
   * @param {ArrayLike<number> | null} scores of the row
   */
  addRow(row, width, isIn, scores = null) {
    const first = this.runs.length;
    for (let column = 0; column < width; column++) {
      if (!isIn(column)) continue;
      const run = { row, start: column, end: column, highest: -Infinity };
      for (; run.end < width && isIn(run.end); run.end++) if (scores) run.highest = Math.max(run.highest, scores[run.end]);
      column = run.end;
      this.parents.push(this.runs.length);
      this.runs.push(run);
    }
    this.#join(this.above[0], first);
    this.above = [first, this.runs.length];
  }

  /**
   * @param {number} above the first run of the row before
   * @param {number} here the first run of this row
   */
  #join(above, here) {
    const { runs } = this;
    for (let [one, other] = [above, here]; one < here && other < runs.length; ) {
      if (runs[one].start <= runs[other].end && runs[other].start <= runs[one].end) this.#unite(one, other);
      if (runs[one].end < runs[other].end) one++;
      else other++;
    }
  }

  /**
   * @param {number} one
   * @param {number} other
   */
  #unite(one, other) {
    const [first, second] = [this.#root(one), this.#root(other)];
    this.parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** @param {number} run */
  #root(run) {
    while (this.parents[run] !== run) run = this.parents[run] = this.parents[this.parents[run]];
    return run;
  }

  /** @returns {Run[][]} the runs of each region, in the order of their first runs */
  groups() {
    /** @type {Map<number, Run[]>} */
    const groups = new Map();
    this.runs.forEach((run, place) => {
      const root = this.#root(place);
      if (root === place) groups.set(root, []);
      groups.get(root)?.push(run);
    });
    return Array.from(groups.values());
  }

  /**
   * @param {number} smallestArea
   * @returns {Component[]} of at least this area, the largest first
   */
  components(smallestArea) {
    return this.groups()
      .map(makeComponent)
      .filter((one) => one.area >= smallestArea)
      .sort((one, other) => other.area - one.area || compare(one.box, other.box));
  }
}

/**
 * @param {number} rows
 * @param {number} columns
 * @param {(place: number) => boolean} isIn
 * @returns {{labels: Int32Array, count: number}} the number of each place's region, from 1; 0 outside
 */
export function labelComponents(rows, columns, isIn) {
  const regions = new Regions();
  for (let row = 0; row < rows; row++) regions.addRow(row, columns, (column) => isIn(row * columns + column));
  const labels = new Int32Array(rows * columns);
  const groups = regions.groups();
  groups.forEach((runs, n) => runs.forEach(({ row, start, end }) => labels.fill(n + 1, row * columns + start, row * columns + end)));
  return { labels, count: groups.length };
}

/**
 * The outline, clockwise, as the pixels at which it turns: Moore's neighbour tracing with Jacob's stopping rule.
 * @param {Component} component
 * @returns {[number, number][]} column and row in the photograph
 */
export function traceContour(component) {
  const [left, top] = component.box;
  const isIn = makeMask(component);
  const start = component.runs[0].start - left + 1;
  let [x, y, heading] = [start, 1, 6]; // came from the left along the row: look upwards first
  const next = () => Array.from({ length: 8 }, (_, n) => (heading + n) % 8).find((turn) => isIn(x + AROUND[turn][0], y + AROUND[turn][1]));
  const firstStep = next();
  /** @type {[number, number][]} */
  const points = [[x, y]];
  for (let step = firstStep; step !== undefined; step = next()) {
    [x, y] = [x + AROUND[step][0], y + AROUND[step][1]];
    heading = (step + (step % 2 ? 5 : 6)) % 8;
    if (x === start && y === 1 && next() === firstStep) break;
    points.push([x, y]);
  }
  return corners(points).map(([column, row]) => [column + left - 1, row + top - 1]);
}

/**
 * @param {Component} component
 * @returns {(x: number, y: number) => boolean} in its box, one pixel wider on each side
 */
function makeMask({ box: [left, top, width, height], runs }) {
  const stride = width + 2;
  const mask = new Uint8Array(stride * (height + 2));
  for (const { row, start, end } of runs) {
    const place = (row - top + 1) * stride + 1 - left;
    mask.fill(1, place + start, place + end);
  }
  return (x, y) => mask[y * stride + x] === 1;
}

/** @param {[number, number][]} points without those on a straight line between their neighbours */
function corners(points) {
  if (points.length < 3) return points;
  return points.filter(([x, y], n) => {
    const [beforeX, beforeY] = points.at(n - 1) ?? [x, y];
    const [behindX, behindY] = points[(n + 1) % points.length];
    return x - beforeX !== behindX - x || y - beforeY !== behindY - y;
  });
}

/** @param {Run[]} runs of one region */
function makeComponent(runs) {
  const [top, bottom] = [runs[0].row, runs[runs.length - 1].row + 1];
  let [left, right, area, highest] = [Infinity, 0, 0, -Infinity];
  for (const run of runs) {
    left = Math.min(left, run.start);
    right = Math.max(right, run.end);
    area += run.end - run.start;
    highest = Math.max(highest, run.highest);
  }
  /** @type {[number, number, number, number]} */
  const box = [left, top, right - left, bottom - top];
  return { box, area, runs, highest };
}

/**
 * @param {number[]} one
 * @param {number[]} other
 */
function compare(one, other) {
  const differing = one.findIndex((value, n) => value !== other[n]);
  return differing < 0 ? 0 : one[differing] - other[differing];
}
