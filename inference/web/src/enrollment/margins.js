// By how much added classes are nearer than all others, to pictures that must not count for themselves:
// parts of inference/enrollment/fit.py.

import { dot, Enrolled } from "../model/enrolled.js";
import { rowsOf } from "./held_out.js";

/** @typedef {import("../model/enrolled.js").Added} Added */

const MOST_PARTS = 20; // of a class's pictures, each scored without itself

/**
 * @param {Enrolled} enrolled
 * @param {number} number of the added class
 * @returns {number[]} the margin of each of its pictures, with prototypes made without that picture
 */
export function marginsWithoutItself(enrolled, number) {
  const { dimensions } = enrolled.neighbours;
  const rows = rowsOf(enrolled.classes[number].vectors, dimensions);
  const parts = Math.min(rows.length, MOST_PARTS);
  const margins = new Array(rows.length);
  for (let part = 0; part < parts; part++) {
    const rest = rows.filter((_, n) => n % parts !== part);
    const classes = enrolled.classes.map((one, n) => (n === number ? { ...one, vectors: joined(rest, dimensions) } : one));
    const without = new Enrolled(enrolled.neighbours, classes);
    for (let n = part; n < rows.length; n += parts) margins[n] = without.margins(rows[n])[number];
  }
  return margins;
}

/**
 * @param {Enrolled} enrolled
 * @param {number} number of the added class
 * @returns {number[]} its margin at each neighbour, whose own class's mean is made without it
 */
export function marginsOfNeighbours(enrolled, number) {
  const { neighbours } = enrolled;
  const { means, precision } = neighbours.spread;
  const trained = [...new Set(Array.from(neighbours.classes))].sort((one, other) => one - other);
  const members = Array.from(neighbours.classes, (one) => trained.indexOf(one));
  const counts = trained.map((_, n) => members.filter((one) => one === n).length);
  const squares = enrolled.means.map((mean) => dot(times(mean, precision), mean));
  return rowsOf(neighbours.vectors, neighbours.dimensions).map((vector, row) => {
    const weighted = times(vector, precision);
    const scores = enrolled.means.map((mean, n) => dot(weighted, mean) - squares[n] / 2);
    const [member, count] = [members[row], counts[members[row]]];
    const rest = Math.max(count - 1, 1);
    const [cross, own] = [dot(weighted, means[member]), dot(weighted, vector)];
    const square = count ** 2 * squares[member] - 2 * count * cross + own;
    scores[member] = (count * cross - own) / rest - square / rest ** 2 / 2;
    const place = means.length + number;
    return scores[place] - Math.max(...scores.filter((_, n) => n !== place));
  });
}

/**
 * @param {Float32Array} vectors [pictures, dimensions], of length 1
 * @param {number} dimensions
 * @param {number} count
 * @returns {number[]} the cosine of each to the count-th nearest other one
 */
export function knnScoresWithoutItself(vectors, dimensions, count) {
  const rows = rowsOf(vectors, dimensions);
  return rows.map((row, n) => {
    const cosines = Float32Array.from(rows, (other, place) => (place === n ? -Infinity : dot(row, other))).sort();
    return cosines[cosines.length - count];
  });
}

/**
 * @param {Float32Array[]} rows
 * @param {number} dimensions
 */
export function joined(rows, dimensions) {
  const all = new Float32Array(rows.length * dimensions);
  rows.forEach((row, n) => all.set(row, n * dimensions));
  return all;
}

/**
 * @param {ArrayLike<number>} vector
 * @param {Float64Array[]} matrix symmetric, by rows
 */
function times(vector, matrix) {
  return Float64Array.from(matrix, (row) => dot(vector, row));
}
