// How like its training pictures a picture is: inference/neighbours.py for one picture, number by number.

import { InputError } from "./errors.js";
import { readNpy } from "./npy.js";
import { readZip } from "./zip.js";

const NAME = "neighbours.npz";
const TINY = 1e-12;
const LARGEST_EXPONENT = 60;
const DTYPES = { projection: "<f2", vectors: "|i1", classes: "<u2", scale: "<f8" };

export class Neighbours {
  /**
   * @param {Float32Array} projection [features, dimensions]
   * @param {Float32Array} vectors [pictures, dimensions], each of length 1
   * @param {number} dimensions
   * @param {ArrayLike<number>} scale count, middle, width, slope, offset
   */
  constructor(projection, vectors, dimensions, scale) {
    this.projection = projection;
    this.vectors = vectors;
    this.dimensions = dimensions;
    this.count = scale[0];
    this.middle = scale[1];
    this.width = scale[2];
    this.slope = scale[3];
    this.offset = scale[4];
  }

  /**
   * @param {Float32Array} features
   * @returns {number} the cosine to the count-th nearest training picture, in [-1, 1]
   */
  likeness(features) {
    const { dimensions, projection, vectors } = this;
    const reduced = new Float32Array(dimensions);
    features.forEach((value, row) => {
      for (let n = 0; n < dimensions; n++) reduced[n] += value * projection[row * dimensions + n];
    });
    scaleToLength1(reduced, 0, dimensions);
    const cosines = new Float32Array(vectors.length / dimensions);
    for (let picture = 0; picture < cosines.length; picture++) {
      let sum = 0;
      for (let n = 0; n < dimensions; n++) sum += reduced[n] * vectors[picture * dimensions + n];
      cosines[picture] = sum;
    }
    return cosines.sort()[cosines.length - this.count];
  }

  /**
   * Return probabilities of which the best answer's is the confidence; see Neighbours.weigh in Python.
   * @param {Float32Array} probabilities [labels]
   * @param {Float32Array} features [features]
   * @param {number[]} answers places of the labels that an answer can give
   */
  weigh(probabilities, features, answers) {
    const place = answers.reduce((best, one) => (probabilities[one] > probabilities[best] ? one : best));
    const best = probabilities[place];
    const known = logistic((this.likeness(features) - this.middle) / this.width);
    const counts = Math.min(Math.max(best * known, TINY), 1 - 1e-7);
    const confidence = logistic(this.slope * Math.log(counts / (1 - counts)) + this.offset);
    const factor =
      confidence <= best ? confidence / Math.max(best, TINY) : (1 - confidence) / Math.max(1 - best, TINY);
    const weighed = probabilities.map((value) => Math.min(value * factor, 1));
    weighed[place] = confidence;
    return weighed;
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {number} featureCount of the network's second output, 0 if it has none
 */
export function readNeighbours(files, featureCount) {
  const data = files.get(NAME);
  const arrays = data && featureCount ? readZip(data)?.files : null;
  if (!arrays) throw new InputError(`The decision "neighbours" needs ${NAME} and features. Export the model again.`);
  const [projection, vectors, , scale] = Object.entries(DTYPES).map(([name, dtype]) => {
    const array = arrays.has(`${name}.npy`) && readNpy(/** @type {Uint8Array} */ (arrays.get(`${name}.npy`)), name);
    if (!array || array.dtype !== dtype) throw misfit();
    return array;
  });
  const dimensions = vectors.shape[1];
  const [count, , width, slope] = scale.values;
  const fits = projection.shape[0] === featureCount && projection.shape[1] === dimensions && scale.values.length === 5;
  if (!fits || !(count >= 1 && count <= vectors.shape[0]) || !(width > 0 && slope > 0)) throw misfit();
  const unit = Float32Array.from(vectors.values);
  for (let start = 0; start < unit.length; start += dimensions) scaleToLength1(unit, start, dimensions);
  return new Neighbours(/** @type {Float32Array} */ (projection.values), unit, dimensions, scale.values);
}

/**
 * @param {Float32Array} values
 * @param {number} start
 * @param {number} count
 */
function scaleToLength1(values, start, count) {
  let sum = 0;
  for (let n = start; n < start + count; n++) sum += values[n] * values[n];
  const length = Math.max(Math.sqrt(sum), TINY);
  for (let n = start; n < start + count; n++) values[n] /= length;
}

/** @param {number} value */
function logistic(value) {
  return 1 / (1 + Math.exp(-Math.min(Math.max(value, -LARGEST_EXPONENT), LARGEST_EXPONENT)));
}

function misfit() {
  return new InputError(`${NAME} does not fit the network. Export the model again.`);
}
