// The bytes of a .tflite -> answers for pictures: inference/model/classifier.py.

import { splitArtefact } from "./artefact.js";
import { outputsOf, readCard, trainedAnswersOf } from "./card.js";
import { decide } from "./decide.js";
import { readEnrolled } from "./enrolled.js";
import { InputError } from "./errors.js";
import { readNeighbours } from "./neighbours.js";
import { findFaster } from "./graphics_card.js";
import { Network } from "./network.js";
import { cutOut } from "./picture.js";
import { STRINGS } from "./strings.js";
import { agrees, readVectors } from "./vectors.js";

/** @typedef {import("./neighbours.js").Neighbours | import("./enrolled.js").Enrolled} Likeness */

/**
 * @typedef {object} Seen
 * @property {import("./decide.js").Answer} answer
 * @property {number[]} probabilities one for each label
 * @property {number} networkMs
 * @property {number} wholeMs with cutting out and resizing
 */

export class Classifier {
  /**
   * @param {import("./card.js").Card} card
   * @param {Network} network
   * @param {Uint8Array} flatbuffer of it
   * @param {Likeness | null} likeness what the decision needs besides the softmax
   * @param {import("./vectors.js").Vectors | null} vectors
   */
  constructor(card, network, flatbuffer, likeness, vectors) {
    this.card = card;
    this.network = network;
    this.flatbuffer = flatbuffer;
    this.isClosed = false;
    this.likeness = likeness;
    this.vectors = vectors;
    this.notice = ""; // what a person should know of how it runs here
    this.answers = trainedAnswersOf(card);
  }

  /**
   * @param {Uint8Array} data
   * @returns {Promise<Classifier>}
   */
  static async load(data) {
    const artefact = splitArtefact(data);
    const card = readCard(artefact);
    const vectors = readVectors(artefact.files);
    const { network, notice } = await loadTrusted(artefact.flatbuffer, card, vectors);
    try {
      const likeness = readLikeness(artefact.files, card, network);
      const classifier = new Classifier(card, network, artefact.flatbuffer, likeness, vectors);
      classifier.notice = notice;
      await classifier.network.look(new Uint8Array(network.shape.reduce((product, side) => product * side, 1)));
      return classifier; // it has looked once, since the first time takes longer
    } catch (fault) {
      network.close();
      throw fault;
    }
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {{width: number, height: number}} size
   * @param {import("./region.js").Box | null} box
   * @returns {Promise<Seen>}
   */
  async look(picture, size, box) {
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
   * Look for a faster network; to be used when no look is under way.
   * @returns {Promise<(() => void) | null>} what exchanges the network; null: there is none
   */
  async accelerate() {
    if (!("gpu" in navigator)) return null;
    const faster = await findFaster(this.network, () => Network.load(this.flatbuffer, "webgpu"));
    if (faster && this.vectors && !(await agrees(faster, this.vectors))) {
      faster.close();
      return null;
    }
    return faster && (() => this.#exchange(faster));
  }

  close() {
    this.network.close();
    this.isClosed = true;
  }

  /** @param {Network} faster */
  #exchange(faster) {
    (this.isClosed ? faster : this.network).close();
    if (!this.isClosed) this.network = faster;
  }
}

/**
 * Load the network where it gives the answers of its export: on the processor, else on the graphics card.
 * @param {Uint8Array} flatbuffer
 * @param {import("./card.js").Card} card
 * @param {import("./vectors.js").Vectors | null} vectors
 * @returns {Promise<{network: Network, notice: string}>}
 */
async function loadTrusted(flatbuffer, card, vectors) {
  const backends = /** @type {("wasm" | "webgpu")[]} */ ("gpu" in navigator && vectors ? ["wasm", "webgpu"] : ["wasm"]);
  for (const backend of backends) {
    const network = await loadOn(backend, flatbuffer);
    if (!network) continue;
    try {
      checkFit(card, network);
      if (!vectors || (await agrees(network, vectors))) {
        return { network, notice: backend === "wasm" ? "" : STRINGS.otherBackend };
      }
    } catch (fault) {
      network.close();
      throw fault;
    }
    network.close();
  }
  throw new InputError(STRINGS.otherAnswers);
}

/**
 * @param {"wasm" | "webgpu"} backend
 * @param {Uint8Array} flatbuffer
 * @returns {Promise<Network | null>} null: there is no graphics card, or none that runs the network
 */
async function loadOn(backend, flatbuffer) {
  if (backend === "wasm") return Network.load(flatbuffer);
  return Network.load(flatbuffer, backend).catch((fault) => {
    console.debug(fault);
    return null;
  });
}

/**
 * @param {Map<string, Uint8Array>} files packed behind the model
 * @param {import("./card.js").Card} card
 * @param {Network} network
 * @returns {Likeness | null}
 */
function readLikeness(files, card, network) {
  const labels = outputsOf(card).length;
  const needed = card.decision === "neighbours";
  const neighbours = needed ? readNeighbours(files, labels, network.outputs[1] ?? 0) : null;
  return card.enrolled.length ? readEnrolled(files, neighbours, card.enrolled.length) : neighbours;
}

/**
 * @param {import("./card.js").Card} card
 * @param {Network} network
 */
function checkFit(card, network) {
  const shape = [1, ...card.input_size, 3];
  if (String(network.shape) !== String(shape) || network.outputs[0] !== outputsOf(card).length) {
    throw new InputError(`The model's card and network differ in size or labels. Export the model again.`);
  }
}
