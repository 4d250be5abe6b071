// The bytes of a .tflite that names classes -> answers for pictures: inference/model/classifier.py.

import { outputsOf, trainedAnswersOf } from "./card.js";
import { decide } from "./decide.js";
import { readEnrolled } from "./enrolled.js";
import { InputError } from "../errors.js";
import { Model } from "./model.js";
import { hasNeighbours, readNeighbours } from "./neighbours.js";
import { cutOut } from "../pictures/picture.js";

/** @typedef {import("./neighbours.js").Neighbours | import("./enrolled.js").Enrolled} Likeness */

export class Classifier extends Model {
  /**
   * @param {import("./card.js").Card} card
   * @param {import("./network.js").Network} network
   * @param {Map<string, Uint8Array>} files packed behind the model
   */
  constructor(card, network, files) {
    super(card, network);
    checkFit(card, network);
    this.likeness = readLikeness(files, card, network); // what the decision needs besides the softmax
    this.answers = trainedAnswersOf(card);
    this.vectorSize = card.input_size;
  }

  /**
   * @param {Uint8Array} pixels
   * @param {import("./network.js").Network} network
   */
  async numbers(pixels, network = this.network) {
    return (await network.look(pixels))[0];
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {{width: number, height: number}} size
   * @param {import("./model.js").Asked} asked
   * @returns {Promise<import("./model.js").Seen>}
   */
  async look(picture, size, { box = null }) {
    const start = performance.now();
    const pixels = cutOut(picture, size, box, this.card);
    const middle = performance.now();
    const probabilities = await this.probabilities(pixels);
    const end = performance.now();
    const answer = decide(probabilities, this.card);
    return { answer, probabilities: Array.from(probabilities), networkMs: end - middle, wholeMs: end - start };
  }

  /**
   * @param {Uint8Array} pixels at the network's size
   * @returns {Promise<Float32Array>}
   */
  async probabilities(pixels) {
    const [probabilities, features] = await this.network.look(pixels);
    if (!probabilities.every(Number.isFinite)) throw new InputError("makes the network overflow. Export it again.");
    return this.likeness ? this.likeness.weigh(probabilities, features, this.answers) : probabilities;
  }

  /**
   * @param {ImageBitmap} picture
   * @returns {Promise<Float32Array>} what the network's last layer sees of the whole picture
   */
  async features(picture) {
    return (await this.network.look(cutOut(picture, picture, null, this.card)))[1];
  }
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {import("./card.js").Card} card
 * @param {import("./network.js").Network} network
 * @returns {Likeness | null}
 */
function readLikeness(files, card, network) {
  const labels = outputsOf(card).length;
  const needed = card.decision === "neighbours" || hasNeighbours(files);
  const neighbours = needed ? readNeighbours(files, labels, network.outputs[1] ?? 0) : null;
  return card.enrolled.length ? readEnrolled(files, neighbours, card.enrolled.length) : neighbours;
}

/**
 * @param {import("./card.js").Card} card
 * @param {import("./network.js").Network} network
 */
function checkFit(card, network) {
  const shape = [1, ...card.input_size, 3];
  if (String(network.shape) !== String(shape) || network.outputs[0] !== outputsOf(card).length) {
    throw new InputError(`The model's card and network differ in size or labels. Export the model again.`);
  }
}
