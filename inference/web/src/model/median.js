// The middle of numbers.

/** @param {ArrayLike<number>} values at least one */
export function medianOf(values) {
  const sorted = Float64Array.from(values).sort();
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}
