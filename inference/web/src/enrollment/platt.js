// Logits of right and wrong answers -> slope and offset of Platt scaling: inference/enrollment/platt.py, step by step.

import { logistic } from "../model/neighbours.js";

const LOW = [Math.log(0.1), -20]; // logarithm of the slope, offset
const HIGH = [Math.log(10), 20];
const STEPS = 100;
const SMALLEST_STEP = 1e-10;
const RIDGE = 1e-12;

/**
 * @param {number[]} evidence logits
 * @param {boolean[]} right
 * @param {number[]} weights
 * @returns {{slope: number, offset: number}}
 */
export function fitPlatt(evidence, right, weights) {
  const problem = makeProblem(evidence, right, weights);
  let found = [0, 0];
  let best = loss(problem, found);
  for (let round = 0; round < STEPS; round++) {
    let step = newtonStep(problem, found);
    let value = loss(problem, within(found, step));
    while (value > best && largest(step) > SMALLEST_STEP) {
      step = step.map((one) => one / 2);
      value = loss(problem, within(found, step));
    }
    if (largest(step) <= SMALLEST_STEP) break;
    [found, best] = [within(found, step), value];
  }
  return { slope: Math.exp(found[0]), offset: found[1] };
}

/** @typedef {{evidence: number[], targets: number[], shares: number[], stiffness: number}} Problem */

/**
 * @param {number[]} evidence
 * @param {boolean[]} right
 * @param {number[]} weights
 * @returns {Problem}
 */
function makeProblem(evidence, right, weights) {
  const hits = right.filter(Boolean).length;
  const misses = right.length - hits;
  const whole = weights.reduce((sum, one) => sum + one, 0);
  return {
    evidence,
    targets: right.map((one) => (one ? (hits + 1) / (hits + 2) : 1 / (misses + 2))),
    shares: weights.map((one) => one / whole),
    stiffness: 1 / (1 + Math.min(hits, misses)),
  };
}

/**
 * @param {Problem} problem
 * @param {number[]} parameters
 */
function loss({ evidence, targets, shares, stiffness }, [logSlope, offset]) {
  const slope = Math.exp(logSlope);
  const sum = evidence.reduce((so, one, n) => {
    const logit = slope * one + offset;
    const logOfSum = Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))); // numpy's logaddexp(0, logit)
    return so + shares[n] * (logOfSum - targets[n] * logit);
  }, 0);
  return sum + stiffness * logSlope ** 2;
}

/**
 * @param {Problem} problem
 * @param {number[]} parameters
 * @returns {number[]}
 */
function newtonStep({ evidence, targets, shares, stiffness }, parameters) {
  const slope = Math.exp(parameters[0]);
  const gradient = [2 * stiffness * parameters[0], 0];
  const curvature = [2 * stiffness + RIDGE, 0, RIDGE]; // of the slope, mixed, of the offset
  evidence.forEach((one, n) => {
    const scaled = slope * one;
    const probability = logistic(scaled + parameters[1]);
    const first = shares[n] * (probability - targets[n]);
    const second = shares[n] * probability * (1 - probability);
    gradient[0] += first * scaled;
    gradient[1] += first;
    curvature[0] += second * scaled ** 2;
    curvature[1] += second * scaled;
    curvature[2] += second;
  });
  const isFree = gradient.map((one, n) => !((parameters[n] <= LOW[n] && one > 0) || (parameters[n] >= HIGH[n] && one < 0)));
  return solve(curvature, gradient, isFree);
}

/**
 * @param {number[]} curvature
 * @param {number[]} gradient
 * @param {boolean[]} isFree whether a parameter may move
 */
function solve([ofSlope, mixed, ofOffset], [first, second], [slopeFree, offsetFree]) {
  if (slopeFree && offsetFree) {
    const determinant = ofSlope * ofOffset - mixed ** 2;
    return [-(ofOffset * first - mixed * second) / determinant, -(ofSlope * second - mixed * first) / determinant];
  }
  return [slopeFree ? -first / ofSlope : 0, offsetFree ? -second / ofOffset : 0];
}

/**
 * @param {number[]} found
 * @param {number[]} step
 */
function within(found, step) {
  return found.map((one, n) => Math.min(Math.max(one + step[n], LOW[n]), HIGH[n]));
}

/** @param {number[]} step */
function largest(step) {
  return Math.max(...step.map(Math.abs));
}
