// Classes that were added to a model after its training: inference/model/enrolled.py for one picture, number by number.

import { misfit, readArrays } from "../formats/array_file.js";
import { InputError } from "../errors.js";
import { logistic, nthCosine } from "./neighbours.js";
import { meanOf } from "./spread.js";

const NAME = "enrolled.npz";
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { vectors: ["<f2", 2], classes: ["<u2", 1], scale: ["<f8", 2] };
const SCALE = 5; // numbers of a class: count, middle, width, slope, offset

/**
 * @typedef {object} Added one added class
 * @property {Float32Array} vectors [pictures, dimensions]
 * @property {number} count
 * @property {number} middle
 * @property {number} width
 * @property {number} slope
 * @property {number} offset
 */

export class Enrolled {
  /**
   * @param {import("./neighbours.js").Neighbours} neighbours
   * @param {Added[]} classes
   */
  constructor(neighbours, classes) {
    this.neighbours = neighbours;
    this.classes = classes;
    const { means, precision } = neighbours.spread;
    this.means = [...means, ...classes.map((one) => meanOf(one.vectors, neighbours.dimensions))];
    this.discriminants = this.means.map((mean) => discriminant(mean, precision));
  }

  /**
   * Return by how much each added class is nearer than all others; see Enrolled.margins in Python.
   * @param {Float32Array} vector
   * @returns {number[]} [added classes]
   */
  margins(vector) {
    const scores = this.discriminants.map(({ weights, bias }) => dot(vector, weights) + bias);
    const trained = scores.length - this.classes.length;
    return this.classes.map((_, n) => {
      const others = scores.filter((__, place) => place !== trained + n);
      return scores[trained + n] - Math.max(...others);
    });
  }

  /**
   * @param {Float32Array} vector
   * @returns {number[]} the added classes' probabilities, summing to at most 1
   */
  shares(vector) {
    const margins = this.margins(vector);
    const shares = this.classes.map(({ slope, offset }, n) => logistic(slope * margins[n] + offset));
    const whole = Math.max(sumOf(shares), 1);
    return shares.map((share) => share / whole);
  }

  /**
   * Return probabilities [labels and added classes] of which the best answer's is the confidence.
   * @param {Float32Array} probabilities [labels]
   * @param {Float32Array} features [features]
   * @param {number[]} answers places of the network's labels that an answer can give
   */
  weigh(probabilities, features, answers) {
    return this.weighVector(probabilities, this.neighbours.project(features), answers);
  }

  /**
   * The same for a picture of which the vector is known.
   * @param {ArrayLike<number>} probabilities [labels]
   * @param {Float32Array} vector
   * @param {number[]} answers
   */
  weighVector(probabilities, vector, answers) {
    const shares = this.shares(vector);
    const rest = 1 - sumOf(shares);
    const labels = probabilities.length;
    const joined = [...Array.from(probabilities, (value) => value * rest), ...shares];
    const standing = (/** @type {number} */ place) =>
      place < labels ? this.neighbours.standing(vector) : standingWith(this.classes[place - labels], vector);
    return this.neighbours.weighBy(standing, joined, [...answers, ...shares.map((_, n) => labels + n)]);
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {import("./neighbours.js").Neighbours | null} neighbours
 * @param {number} count of the added classes
 */
export function readEnrolled(files, neighbours, count) {
  const data = files.get(NAME);
  if (!data || !neighbours) {
    throw new InputError(`The model's added classes need ${NAME} and neighbours. Enroll them again.`);
  }
  const [vectors, members, scale] = readArrays(data, COLUMNS, NAME);
  const [pictures, dimensions] = vectors.shape;
  const fits =
    members.values.length === pictures && dimensions === neighbours.dimensions &&
    members.values.every((/** @type {number} */ one) => one < count) &&
    scale.shape[0] === count && scale.shape[1] === SCALE;
  if (!fits) throw misfit(NAME);
  const classes = Array.from({ length: count }, (_, number) => {
    const rows = rowsOf(vectors.values, dimensions, members.values, number);
    return makeClass(rows, dimensions, scale.values.subarray(number * SCALE, (number + 1) * SCALE));
  });
  return new Enrolled(neighbours, classes);
}

/**
 * @param {ArrayLike<number>} vectors [pictures, dimensions]
 * @param {number} dimensions
 * @param {ArrayLike<number>} members [pictures], numbers of their classes
 * @param {number} number of the class whose vectors are wanted
 */
function rowsOf(vectors, dimensions, members, number) {
  const rows = Array.from(vectors).filter((_, place) => members[Math.floor(place / dimensions)] === number);
  return Float32Array.from(rows);
}

/**
 * @param {Float32Array} vectors
 * @param {number} dimensions
 * @param {Iterable<number>} scale
 * @returns {Added}
 */
function makeClass(vectors, dimensions, [count, middle, width, slope, offset]) {
  if (!(count >= 1 && count <= vectors.length / dimensions && width > 0 && slope > 0)) throw misfit(NAME);
  return { vectors, count: Math.trunc(count), middle, width, slope, offset };
}

/**
 * @param {Added} one
 * @param {Float32Array} vector
 */
function standingWith(one, vector) {
  return (nthCosine(vector, one.vectors, one.count) - one.middle) / one.width;
}

/**
 * @param {Float64Array} mean of a class
 * @param {Float64Array[]} around inverse of the covariance, by rows
 */
function discriminant(mean, around) {
  const weights = Float64Array.from(around, (row) => dot(mean, row)); // the inverse is symmetric
  return { weights, bias: -0.5 * dot(weights, mean) };
}

/**
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other
 */
export function dot(one, other) {
  let sum = 0;
  for (let n = 0; n < one.length; n++) sum += one[n] * other[n];
  return sum;
}

/** @param {number[]} values */
function sumOf(values) {
  return values.reduce((sum, value) => sum + value, 0);
}
