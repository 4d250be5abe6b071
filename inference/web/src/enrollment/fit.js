// Vectors of the pictures of added classes, held-out pictures -> the parameters of the classes: inference/enrollment/fit.py.

import { Enrolled } from "../model/enrolled.js";
import { medianOf } from "../model/median.js";
import { logistic } from "../model/neighbours.js";
import { shareOf } from "./estimate.js";
import { knnScoresWithoutItself, marginsOfNeighbours, marginsWithoutItself } from "./margins.js";
import { fitPlatt } from "./platt.js";
import { rowsOf } from "./held_out.js";

/**
 * @typedef {import("../model/enrolled.js").Added} Added
 * @typedef {import("../model/neighbours.js").Neighbours} Neighbours
 * @typedef {import("./held_out.js").HeldOut} HeldOut
 */

const MOST_LOST = 0.01; // share of pictures of trained classes that each added class may win
const TINY = 1e-9;

/**
 * @param {Neighbours} neighbours
 * @param {HeldOut} heldOut
 * @param {Float32Array[]} collections unit vectors [pictures, dimensions] of each added class, at least two each
 * @param {number[]} answers places of the network's labels that an answer can give
 * @returns {{enrolled: Enrolled, threshold: number}}
 */
export function fitAdded(neighbours, heldOut, collections, answers) {
  const bare = { count: 1, middle: 0, width: 1, slope: 1, offset: 0 };
  const plain = new Enrolled(neighbours, collections.map((vectors) => ({ ...bare, vectors })));
  const margins = collections.map((_, number) => marginsWithoutItself(plain, number));
  const classes = collections.map((_, number) => fitClass(plain, heldOut, number, margins, answers));
  const enrolled = new Enrolled(neighbours, classes);
  return { enrolled, threshold: thresholdOf(enrolled, heldOut, margins, answers) };
}

/**
 * @param {Enrolled} enrolled
 * @param {HeldOut} heldOut
 * @param {number} threshold
 * @param {number[]} answers
 * @returns {{accuracy: import("./estimate.js").Estimate, accepted: import("./estimate.js").Estimate,
 *   added: import("./estimate.js").Estimate[]}} see AddedFigures in Python
 */
export function measureAdded(enrolled, heldOut, threshold, answers) {
  const seen = weighHeldOut(enrolled, heldOut, answers);
  const trained = seen.map(({ place }, n) => place === heldOut.classes[n]);
  const margins = enrolled.classes.map((_, number) => marginsWithoutItself(enrolled, number));
  const added = enrolled.classes.map(({ slope, offset }, n) => margins[n].map((margin) => slope * margin + offset > 0));
  const own = enrolled.classes.flatMap((one, n) => confidencesOf(enrolled.neighbours, one, margins[n]));
  const confidences = [...seen.map(({ confidence }) => confidence), ...own];
  return {
    accuracy: shareOf([...trained, ...added.flat()]),
    accepted: shareOf(confidences.map((one) => one >= threshold)),
    added: added.map(shareOf),
  };
}

/**
 * @param {Enrolled} plain
 * @param {HeldOut} heldOut
 * @param {number} number
 * @param {number[][]} margins
 * @param {number[]} answers
 * @returns {Added}
 */
function fitClass(plain, heldOut, number, margins, answers) {
  const { dimensions, count: most, width } = plain.neighbours;
  const { vectors } = plain.classes[number];
  const own = margins[number];
  const trained = heldOut.vectors.map((vector) => plain.margins(vector)[number]);
  const others = plain.classes.flatMap((one, n) => (n === number ? [] : rowsOf(one.vectors, dimensions)));
  const negatives = [...trained, ...others.map((vector) => plain.margins(vector)[number])];
  const all = [...own, ...negatives];
  const unit = Math.max(deviation(all), TINY);
  const weights = all.map((_, n) => (n < own.length ? 1 / own.length : 1 / negatives.length));
  const found = fitPlatt(all.map((one) => one / unit), all.map((_, n) => n < own.length), weights);
  const slope = found.slope / unit;
  const count = Math.max(1, Math.min(most, Math.floor(own.length / 3)));
  const scores = knnScoresWithoutItself(vectors, dimensions, count);
  const ofNeighbours = marginsOfNeighbours(plain, number).map((one) => slope * one);
  const highest = highestOffset(trained.map((one) => slope * one), heldOut, answers, ofNeighbours);
  return {
    vectors,
    count,
    middle: medianOf(scores),
    width: Math.max(deviation(scores), width),
    slope,
    offset: Math.min(found.offset, highest),
  };
}

/**
 * @param {number[]} evidence logits of the added class without offset, of the held-out pictures
 * @param {HeldOut} heldOut
 * @param {number[]} answers
 * @param {number[]} ofNeighbours the same for the neighbours
 * @returns {number} the highest offset at which the class wins at most MOST_LOST of the correct pictures
 */
function highestOffset(evidence, heldOut, answers, ofNeighbours) {
  const ofHeldOut = evidence.flatMap((logit, n) => {
    const probabilities = heldOut.probabilities[n];
    const best = bestOf(probabilities, answers);
    return best === heldOut.classes[n] ? [Math.log(Math.max(probabilities[best], TINY)) - logit] : [];
  });
  const critical = Float64Array.from([...ofHeldOut, ...ofNeighbours.map((one) => -one)]).sort();
  const allowed = MOST_LOST * (evidence.length + ofNeighbours.length);
  if (allowed >= critical.length - 1) return Infinity;
  const first = Math.floor(allowed);
  return critical[first] + (allowed - first) * (critical[first + 1] - critical[first]);
}

/**
 * @param {Enrolled} enrolled
 * @param {HeldOut} heldOut
 * @param {number[][]} margins
 * @param {number[]} answers
 */
function thresholdOf(enrolled, heldOut, margins, answers) {
  const trained = weighHeldOut(enrolled, heldOut, answers).map(({ confidence }) => confidence);
  const own = enrolled.classes.map((one, n) => confidencesOf(enrolled.neighbours, one, margins[n]));
  const share = trained.length / new Set(heldOut.classes).size;
  const ones = trained.map(() => 1);
  const weights = [...ones, ...own.flatMap((some) => some.map(() => share / some.length))];
  const ofAll = weightedThreshold([...trained, ...own.flat()], weights, heldOut.accepted);
  return Math.min(ofAll, weightedThreshold(trained, ones, heldOut.accepted));
}

/**
 * @param {Enrolled} enrolled
 * @param {HeldOut} heldOut
 * @param {number[]} answers
 * @returns {{place: number, confidence: number}[]} the best label of each held-out picture
 */
function weighHeldOut(enrolled, heldOut, answers) {
  const labels = heldOut.probabilities[0].length;
  const candidates = [...answers, ...enrolled.classes.map((_, n) => labels + n)];
  return heldOut.vectors.map((vector, n) => {
    const weighed = enrolled.weighVector(heldOut.probabilities[n], vector, answers);
    const place = bestOf(weighed, candidates);
    return { place, confidence: weighed[place] };
  });
}

/**
 * @param {Neighbours} neighbours
 * @param {Added} one
 * @param {number[]} margins
 * @returns {number[]} the confidence of each of its pictures, scored without itself
 */
function confidencesOf(neighbours, one, margins) {
  const scores = knnScoresWithoutItself(one.vectors, neighbours.dimensions, one.count);
  return scores.map((score, n) =>
    neighbours.confidence(logistic(one.slope * margins[n] + one.offset), (score - one.middle) / one.width),
  );
}

/**
 * @param {number[]} confidences
 * @param {number[]} weights
 * @param {number} accepted
 * @returns {number} the highest threshold that is reached by at least this share of the weight
 */
function weightedThreshold(confidences, weights, accepted) {
  const order = confidences.map((_, n) => n).sort((one, other) => confidences[other] - confidences[one]);
  const needed = accepted * weights.reduce((sum, one) => sum + one, 0) - TINY;
  let reached = 0;
  const last = order.find((n) => (reached += weights[n]) >= needed) ?? order[order.length - 1];
  return confidences[last];
}

/**
 * @param {ArrayLike<number>} values
 * @param {number[]} places
 */
function bestOf(values, places) {
  return places.reduce((best, one) => (values[one] > values[best] ? one : best));
}

/** @param {number[]} values */
function deviation(values) {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / values.length);
}
