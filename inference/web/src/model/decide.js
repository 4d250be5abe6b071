// Probabilities -> the answer that a person reads, as inference/model/decide.py and inference/model/answers.py write it.

import { answersOf, UNKNOWN } from "./card.js";

const DIGITS = 1e6; // six behind the point

/**
 * @typedef {{confidence: number, result: string}} Answer
 * @param {ArrayLike<number>} probabilities [labels]
 * @param {import("./card.js").Card} card
 * @returns {Answer} confidence belongs to the best label even where that was rejected
 */
export function decide(probabilities, card) {
  const best = answersOf(card).reduce((one, other) => (probabilities[other] > probabilities[one] ? other : one));
  const confidence = Math.min(Math.max(probabilities[best], 0), 1);
  const result = confidence >= card.threshold ? card.labels[best] : UNKNOWN;
  return { confidence: Math.round(confidence * DIGITS) / DIGITS, result };
}
