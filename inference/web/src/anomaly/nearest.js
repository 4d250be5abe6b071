// The distance to the nearest of many vectors, exactly, without comparing each position with each vector.
//
// Vectors are sorted by the number in which they differ most. From the position's own value the search goes up and down
// until that number alone is farther than the nearest vector found, and a comparison ends as soon as it is farther. The
// vector nearest to the position before is tried first: neighbours look alike.

const AT_ONCE = 4; // numbers, between two looks at whether the vector is farther already

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
    this.padded = Math.ceil(features / AT_ONCE) * AT_ONCE; // with zeros
    this.vectors = new Float32Array(this.count * this.padded);
    ranks.forEach((rank, row) => {
      for (let n = 0; n < features; n++) this.vectors[row * this.padded + n] = vectors[rank * features + this.order[n]];
    });
    this.position = new Float32Array(this.padded);
  }

  /**
   * @param {Float32Array} positions [positions, features]
   * @returns {Float32Array} [positions]
   */
  distances(positions) {
    const { features, order, padded, position } = this;
    const found = new Float32Array(positions.length / features);
    let last = 0;
    for (let row = 0; row < found.length; row++) {
      for (let n = 0; n < features; n++) position[n] = positions[row * features + order[n]];
      let best = this.#square(last, Infinity);
      const start = this.#firstFrom(position[0]);
      for (const step of [-1, 1]) {
        for (let one = step < 0 ? start - 1 : start; one >= 0 && one < this.count; one += step) {
          const off = this.vectors[one * padded] - position[0];
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
    const { padded, position, vectors } = this;
    let sum = 0;
    for (let n = 0, place = vector * padded; n < padded; n += AT_ONCE, place += AT_ONCE) {
      const one = position[n] - vectors[place];
      const two = position[n + 1] - vectors[place + 1];
      const three = position[n + 2] - vectors[place + 2];
      const four = position[n + 3] - vectors[place + 3];
      sum += one * one + two * two + (three * three + four * four);
      if (sum > most) return sum;
    }
    return sum;
  }

  /** @param {number} value of the first number */
  #firstFrom(value) {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.vectors[middle * this.padded] < value) low = middle + 1;
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
