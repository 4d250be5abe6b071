// A network that takes its time on the processor -> the same on the graphics card, where that answers alike and sooner.
//
// Ours for phones take milliseconds, and moving a picture to the card takes as long. Large ones, tuned on ImageNet's
// weights and exported as float, may gain. A card computes in its own way, so it is believed only after a trial.

import { Network } from "./network.js";

const WORTH_MS = 20; // a person notices no difference below
const ALIKE = 0.005; // of a probability, or of the largest feature
const TRIALS = 3;

/**
 * @param {Network} network on the processor
 * @param {() => Promise<Network>} loadOther the same on the card
 * @param {number} [worthMs] from which the card is tried
 * @returns {Promise<Network | null>} the one on the card, where it is better; null: stay
 */
export async function findFaster(network, loadOther, worthMs = WORTH_MS) {
  let other = null;
  try {
    const pictures = trialPictures(network.shape);
    const usual = await tryOut(network, pictures);
    if (usual.ms < worthMs) return null;
    other = await loadOther();
    const found = await tryOut(other, pictures);
    if (areAlike(usual.answers, found.answers) && found.ms < usual.ms) return other;
  } catch (fault) {
    console.debug(fault); // no card, one that lacks what the network needs, or another model was chosen meanwhile
  }
  other?.close();
  return null;
}

/**
 * @param {Network} network
 * @param {Uint8Array[]} pictures
 */
async function tryOut(network, pictures) {
  const answers = [];
  let ms = Infinity;
  for (const pixels of pictures) {
    const start = performance.now();
    const [probabilities] = await network.look(pixels);
    ms = Math.min(ms, performance.now() - start); // the first on a card takes seconds
    answers.push(probabilities);
  }
  return { answers, ms };
}

/**
 * Patterns that no two weights answer alike: stripes in three colours, finer from one to the next.
 * @param {number[]} shape
 */
function trialPictures(shape) {
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({ length: TRIALS }, (_, trial) =>
    Uint8Array.from({ length: size }, (__, place) => 127.5 + 127 * Math.sin((place * (trial + 1)) / 7 + (place % 3))),
  );
}

/**
 * @param {Float32Array[]} one
 * @param {Float32Array[]} other
 */
function areAlike(one, other) {
  return one.every((row, n) => {
    const most = ALIKE * row.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    return row.every((value, place) => Math.abs(value - other[n][place]) <= most); // NaN is not
  });
}
