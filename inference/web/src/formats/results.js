// Answers -> results.json as the runner writes it: sorted by key, one blank of indent a level.

/**
 * @typedef {import("../pictures/region.js").Box} Box
 * @typedef {{answer: import("../model/decide.js").Answer, box: Box | null}} Result
 */

/**
 * @param {Iterable<[string, Result]>} results by key
 * @returns {string}
 */
export function resultsToJson(results) {
  const sorted = Array.from(results).sort(([one], [other]) => (one < other ? -1 : 1));
  const pieces = sorted.map(([key, result]) => JSON.stringify({ [key]: entryOf(result) }, null, 1).slice(2, -2));
  return pieces.length ? `{\n${pieces.join(",\n")}\n}\n` : "{}\n";
}

/** @param {Result} result */
function entryOf({ answer, box }) {
  return box ? { regions: [{ box, ...answer }] } : answer;
}
