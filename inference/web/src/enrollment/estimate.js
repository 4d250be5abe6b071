// Shares with 95 % intervals, and sentences about them: inference/figures/.

const Z = 1.959963984540054; // 97.5 % point of the normal distribution
const OFTEN = 0.94; // shares nearer to 0 or 1 are given in hundredths

/** @typedef {{value: number | null, low: number | null, high: number | null, n: number}} Estimate */

/**
 * @param {boolean[]} hits
 * @returns {Estimate} the share of true, with its Wilson score interval
 */
export function shareOf(hits) {
  const n = hits.length;
  if (!n) return { value: null, low: null, high: null, n: 0 };
  const successes = hits.filter(Boolean).length;
  const share = successes / n;
  const weight = 1 / (1 + Z ** 2 / n);
  const middle = weight * (share + Z ** 2 / (2 * n));
  const half = weight * Z * Math.sqrt((share * (1 - share)) / n + (Z / (2 * n)) ** 2);
  return { value: share, low: successes ? middle - half : 0, high: successes < n ? middle + half : 1, n };
}

/**
 * @param {Estimate} accepted
 * @returns {string[]} what the card says of a threshold
 */
export function thresholdSentences(accepted) {
  const rest = accepted.value === 1 ? "" : "; the others are “unknown”";
  return [`Answers ${inWords(accepted, "pictures of its classes")}${rest}.`];
}

/**
 * @param {Estimate} share
 * @param {string} name
 */
function inWords({ value, n }, name) {
  if (value === null) return `an unknown number of ${name}`;
  if (value === 0 || value === 1) return `${value ? "all" : "none of the"} ${n} ${name}`;
  const parts = value >= 1 - OFTEN && value <= OFTEN ? 10 : 100;
  const count = Math.round(value * parts);
  const words = count === 0 ? "less than 1" : count === parts ? `more than ${parts - 1}` : `about ${count}`;
  return `${words} in ${parts} ${name} (n = ${n})`;
}
