// The median of a photograph's scores, which are made row by row because there is no room for all of them.

const BINS = 2 ** 16; // by the upper half of a number's bits, which grow with numbers that are not negative

/**
 * @param {number} rows
 * @param {number} columns
 * @param {(row: number) => Float32Array} rowAt of numbers that are not negative; may be overwritten by the next one
 * @returns {number}
 */
export function medianOfRows(rows, columns, rowAt) {
  const row = new Float32Array(columns);
  const bits = new Uint32Array(row.buffer);
  const counts = new Float64Array(BINS);
  for (let number = 0; number < rows; number++) {
    row.set(rowAt(number));
    for (const one of bits) counts[one >>> 16]++;
  }
  const middle = (rows * columns) / 2;
  const ranks = [Math.floor(middle - 0.5), Math.floor(middle)];
  const bins = ranks.map((rank) => binOf(counts, rank));
  const found = new Float32Array(bins[0].bin === bins[1].bin ? counts[bins[0].bin] : counts[bins[0].bin] + counts[bins[1].bin]);
  let filled = 0;
  for (let number = 0; number < rows; number++) {
    row.set(rowAt(number));
    for (let n = 0; n < columns; n++) {
      const bin = bits[n] >>> 16;
      if (bin === bins[0].bin || bin === bins[1].bin) found[filled++] = row[n];
    }
  }
  found.sort();
  return (found[ranks[0] - bins[0].before] + found[ranks[1] - bins[0].before]) / 2;
}

/**
 * @param {Float64Array} counts
 * @param {number} rank
 * @returns {{bin: number, before: number}} the bin that holds the number of this rank, and how many are in those before
 */
function binOf(counts, rank) {
  let [bin, before] = [0, 0];
  for (; before + counts[bin] <= rank; bin++) before += counts[bin];
  return { bin, before };
}
