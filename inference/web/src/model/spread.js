// Means of classes and the inverse of the covariance around them: Neighbours.spread of inference/model/neighbours.py.

const SHRINKAGE = 0.3; // of the covariance towards a sphere: the pictures are few for so many dimensions
const SMALLEST = 2 ** -126; // the smallest normal number in 32 bits

/**
 * @param {Float32Array} vectors [pictures, dimensions]
 * @param {number} dimensions
 * @returns {Float64Array} their mean
 */
export function meanOf(vectors, dimensions) {
  const count = vectors.length / dimensions;
  const sum = new Float64Array(dimensions);
  for (let place = 0; place < vectors.length; place++) sum[place % dimensions] += vectors[place];
  return sum.map((value) => value / count);
}

/**
 * @param {Float32Array} vectors [pictures, dimensions]
 * @param {ArrayLike<number>} classes [pictures]
 * @param {number} dimensions
 * @returns {Map<number, Float64Array>} mean of each class [dimensions], in the order of their numbers
 */
export function classMeans(vectors, classes, dimensions) {
  /** @type {Map<number, {sum: Float64Array, count: number}>} */
  const sums = new Map();
  for (let start = 0; start < vectors.length; start += dimensions) {
    const one = classes[start / dimensions];
    const entry = sums.get(one) ?? { sum: new Float64Array(dimensions), count: 0 };
    for (let n = 0; n < dimensions; n++) entry.sum[n] += vectors[start + n];
    entry.count += 1;
    sums.set(one, entry);
  }
  const sorted = Array.from(sums).sort(([one], [other]) => one - other);
  return new Map(sorted.map(([one, { sum, count }]) => [one, sum.map((value) => value / count)]));
}

/**
 * @param {Float32Array} vectors
 * @param {ArrayLike<number>} classes
 * @param {number} dimensions
 * @param {Map<number, Float64Array>} means
 * @returns {Float64Array[]} inverse of the shrunk covariance, by rows
 */
export function precision(vectors, classes, dimensions, means) {
  const covariance = covarianceAround(vectors, classes, dimensions, means);
  const trace = covariance.reduce((sum, row, n) => sum + row[n], 0);
  const sphere = Math.max(trace / dimensions, SMALLEST);
  covariance.forEach((row, n) => {
    for (let column = 0; column < dimensions; column++) row[column] *= 1 - SHRINKAGE;
    row[n] += SHRINKAGE * sphere;
  });
  return invert(covariance);
}

/**
 * @param {Float32Array} vectors
 * @param {ArrayLike<number>} classes
 * @param {number} dimensions
 * @param {Map<number, Float64Array>} means
 */
function covarianceAround(vectors, classes, dimensions, means) {
  const rows = Array.from({ length: dimensions }, () => new Float64Array(dimensions));
  const around = new Float64Array(dimensions);
  const pictures = vectors.length / dimensions;
  for (let picture = 0; picture < pictures; picture++) {
    const mean = /** @type {Float64Array} */ (means.get(classes[picture]));
    for (let n = 0; n < dimensions; n++) around[n] = vectors[picture * dimensions + n] - mean[n];
    for (let row = 0; row < dimensions; row++) {
      const [target, factor] = [rows[row], around[row] / pictures];
      for (let n = 0; n < dimensions; n++) target[n] += factor * around[n];
    }
  }
  return rows;
}

/**
 * Gauss and Jordan's way, without a search for pivots: the matrix is symmetric and positive definite.
 * @param {Float64Array[]} matrix by rows; is overwritten
 */
function invert(matrix) {
  const size = matrix.length;
  for (let pivot = 0; pivot < size; pivot++) {
    const row = matrix[pivot];
    const scale = 1 / row[pivot];
    row[pivot] = 1;
    for (let n = 0; n < size; n++) row[n] *= scale;
    for (const other of matrix) {
      if (other === row) continue;
      const factor = other[pivot];
      other[pivot] = 0;
      for (let n = 0; n < size; n++) other[n] -= factor * row[n];
    }
  }
  return matrix;
}
