// The distance to the nearest of many vectors, exactly, without comparing each position with each vector.
//
// Vectors are sorted by the number in which they differ most. From the position's own value the search goes up and down
// until that number alone is farther than the nearest vector found, and a comparison ends as soon as it is farther. The
// vector nearest to the position before is tried first: neighbours look alike.

export class NearestVectors {
  /**
   * @param {Float32Array} vectors [vectors, features]
   * @param {number} features
   */
  constructor(vectors, features) {
    this.features = features;
    this.count = vectors.length / features;
    this.order = byVariance(vectors, features);
    const first = this.order[0];
    const ranks = Array.from({ length: this.count }, (_, n) => n);
    ranks.sort((one, other) => vectors[one * features + first] - vectors[other * features + first]);
    this.vectors = new Float32Array(vectors.length);
    ranks.forEach((rank, row) => {
      for (let n = 0; n < features; n++) this.vectors[row * features + n] = vectors[rank * features + this.order[n]];
    });
    this.position = new Float32Array(features);
  }

  /**
   * @param {Float32Array} positions [positions, features]
   * @returns {Float32Array} [positions]
   */
  distances(positions) {
    const { features, order, position } = this;
    const found = new Float32Array(positions.length / features);
    let last = 0;
    for (let row = 0; row < found.length; row++) {
      for (let n = 0; n < features; n++) position[n] = positions[row * features + order[n]];
      let best = this.#square(last, Infinity);
      const start = this.#firstFrom(position[0]);
      for (const step of [-1, 1]) {
        for (let one = step < 0 ? start - 1 : start; one >= 0 && one < this.count; one += step) {
          const off = this.vectors[one * features] - position[0];
          if (off * off >= best) break;
          const square = this.#square(one, best);
          if (square < best) [best, last] = [square, one];
        }
      }
      found[row] = Math.sqrt(best);
    }
    return found;
  }

  /**
   * @param {number} vector
   * @param {number} most
   * @returns {number} the squared distance of the position, or any number above most
   */
  #square(vector, most) {
    const { features, position, vectors } = this;
    let sum = 0;
    for (let n = 0, place = vector * features; n < features; n++, place++) {
      const off = position[n] - vectors[place];
      sum += off * off;
      if (sum > most) return sum;
    }
    return sum;
  }

  /** @param {number} value of the first number */
  #firstFrom(value) {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.vectors[middle * this.features] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * @param {Float32Array} vectors
 * @param {number} features
 * @returns {number[]} the places of a vector, those first in which the vectors differ most
 */
function byVariance(vectors, features) {
  const count = vectors.length / features;
  const variances = Array.from({ length: features }, (_, n) => {
    let [sum, squares] = [0, 0];
    for (let place = n; place < vectors.length; place += features) {
      sum += vectors[place];
      squares += vectors[place] ** 2;
    }
    return squares / count - (sum / count) ** 2;
  });
  return variances.map((_, n) => n).sort((one, other) => variances[other] - variances[one]);
}
