// How like its training pictures a picture is: inference/model/neighbours.py for one picture, number by number.

import { AGAIN, misfit, readArrays } from "../formats/array_file.js";
import { InputError } from "../errors.js";
import { classMeans, precision } from "./spread.js";

const NAME = "neighbours.npz";
const TINY = 1e-12;
const LARGEST_EXPONENT = 60;
/** @type {import("../formats/array_file.js").Columns} */
const COLUMNS = { projection: ["<f2", 2], vectors: ["|i1", 2], classes: ["<u2", 1], scale: ["<f8", 1] };

export class Neighbours {
  /**
   * @param {Float32Array} projection [features, dimensions]
   * @param {Float32Array} vectors [pictures, dimensions], each of length 1
   * @param {ArrayLike<number>} classes [pictures], numbers of their labels
   * @param {number} dimensions
   * @param {ArrayLike<number>} scale count, middle, width, slope, offset
   */
  constructor(projection, vectors, classes, dimensions, scale) {
    this.projection = projection;
    this.vectors = vectors;
    this.classes = classes;
    this.dimensions = dimensions;
    this.count = Math.trunc(scale[0]);
    this.middle = scale[1];
    this.width = scale[2];
    this.slope = scale[3];
    this.offset = scale[4];
    /** @type {{means: Float64Array[], precision: Float64Array[]} | null} */
    this.known = null;
  }

  /** @returns {{means: Float64Array[], precision: Float64Array[]}} of the trained classes; computed once */
  get spread() {
    if (!this.known) {
      const means = classMeans(this.vectors, this.classes, this.dimensions);
      this.known = { means: [...means.values()], precision: precision(this.vectors, this.classes, this.dimensions, means) };
    }
    return this.known;
  }

  /**
   * @param {Float32Array} features
   * @returns {Float32Array} [dimensions], of length 1
   */
  project(features) {
    const { dimensions, projection } = this;
    const sums = new Float64Array(dimensions);
    features.forEach((value, row) => {
      for (let n = 0; n < dimensions; n++) sums[n] += value * projection[row * dimensions + n];
    });
    const vector = Float32Array.from(sums);
    scaleToLength1(vector, 0, dimensions);
    return vector;
  }

  /**
   * @param {Float32Array} vector
   * @returns {number} the likeness to the training pictures, in widths above the middle
   */
  standing(vector) {
    return (nthCosine(vector, this.vectors, this.count) - this.middle) / this.width;
  }

  /**
   * Return probabilities of which the best answer's is the confidence; see Neighbours.weigh in Python.
   * @param {Float32Array} probabilities [labels]
   * @param {Float32Array} features [features]
   * @param {number[]} answers places of the labels that an answer can give
   */
  weigh(probabilities, features, answers) {
    const standing = this.standing(this.project(features));
    return this.weighBy(() => standing, probabilities, answers);
  }

  /**
   * @param {number} best probability of the best class
   * @param {number} standing of the picture with it
   */
  confidence(best, standing) {
    const counts = Math.min(Math.max(best * logistic(standing), TINY), 1 - 1e-7);
    return logistic(this.slope * Math.log(counts / (1 - counts)) + this.offset);
  }

  /**
   * @param {(place: number) => number} standing of the picture with each label
   * @param {ArrayLike<number>} probabilities [labels]
   * @param {number[]} answers
   * @returns {Float32Array} [labels]
   */
  weighBy(standing, probabilities, answers) {
    const place = answers.reduce((best, one) => (probabilities[one] > probabilities[best] ? one : best));
    const best = probabilities[place];
    const confidence = this.confidence(best, standing(place));
    const factor =
      confidence <= best ? confidence / Math.max(best, TINY) : (1 - confidence) / Math.max(1 - best, TINY);
    const weighed = Float32Array.from(probabilities, (value) => Math.min(Math.max(value * factor, 0), 1));
    weighed[place] = confidence;
    return weighed;
  }
}

/** @param {Map<string, Uint8Array>} files packed behind the model */
export function hasNeighbours(files) {
  return files.has(NAME);
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {number} labels of the network
 * @param {number} features of the network's second output, 0 if it has none
 */
export function readNeighbours(files, labels, features) {
  const data = files.get(NAME);
  if (!data || !features) {
    throw new InputError(`The decision "neighbours" needs ${NAME} and a network that gives features. ${AGAIN}`);
  }
  const [projection, vectors, classes, scale] = readArrays(data, COLUMNS, NAME);
  const [pictures, dimensions] = vectors.shape;
  const [count, , width, slope] = scale.values;
  const fits =
    scale.values.length === 5 && classes.values.length === pictures && pictures > 0 &&
    projection.shape[0] === features && projection.shape[1] === dimensions &&
    classes.values.every((/** @type {number} */ one) => one < labels) &&
    count >= 1 && count <= pictures && width > 0 && slope > 0;
  if (!fits) throw misfit(NAME);
  const unit = Float32Array.from(vectors.values);
  for (let start = 0; start < unit.length; start += dimensions) scaleToLength1(unit, start, dimensions);
  const matrix = /** @type {Float32Array} */ (projection.values);
  return new Neighbours(matrix, unit, classes.values, dimensions, scale.values);
}

/**
 * @param {Float32Array} vector
 * @param {Float32Array} others [vectors, dimensions]; all of length 1
 * @param {number} count
 * @returns {number} the cosine to the count-th nearest of the others
 */
export function nthCosine(vector, others, count) {
  const cosines = new Float32Array(others.length / vector.length);
  for (let row = 0; row < cosines.length; row++) {
    let sum = 0;
    for (let n = 0; n < vector.length; n++) sum += vector[n] * others[row * vector.length + n];
    cosines[row] = sum;
  }
  return cosines.sort()[cosines.length - count];
}

/**
 * @param {Float32Array} values
 * @param {number} start
 * @param {number} count
 */
export function scaleToLength1(values, start, count) {
  let sum = 0;
  for (let n = start; n < start + count; n++) sum += values[n] * values[n];
  const length = Math.max(Math.sqrt(sum), TINY);
  for (let n = start; n < start + count; n++) values[n] /= length;
}

/** @param {number} value */
export function logistic(value) {
  return 1 / (1 + Math.exp(-Math.min(Math.max(value, -LARGEST_EXPONENT), LARGEST_EXPONENT)));
}
