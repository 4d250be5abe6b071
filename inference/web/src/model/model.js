// What every kind of model offers the page: inference/model/model.py.

import { findFaster } from "./graphics_card.js";
import { Network } from "./network.js";
import { agrees } from "./vectors.js";

/**
 * @typedef {import("../anomaly/scorer.js").Evidence} Evidence
 * @typedef {import("../anomaly/scorer.js").AnomalyAnswer} AnomalyAnswer
 *
 * @typedef {object} Asked
 * @property {import("../pictures/region.js").Box | null} [box] null: the whole picture
 * @property {Evidence | null} [evidence] of the same photograph, seen before
 * @property {(share: number) => void} [onProgress]
 *
 * @typedef {object} Seen
 * @property {import("./decide.js").Answer | AnomalyAnswer} answer
 * @property {number[]} probabilities one for each label; none of a model for anomalies
 * @property {Evidence} [evidence] of a model for anomalies
 * @property {number} networkMs
 * @property {number} wholeMs with cutting out and resizing
 */

export class Model {
  /**
   * @param {import("./card.js").Card} card
   * @param {Network} network
   */
  constructor(card, network) {
    this.card = card;
    this.network = network;
    this.isClosed = false;
    this.notice = ""; // what a person should know of how it runs here
    /** @type {number[]} height and width of the pictures that `numbers` takes */
    this.vectorSize = [];
  }

  /** Whether it can be asked for a part of a picture. */
  get takesBoxes() {
    return true;
  }

  /**
   * @param {Uint8Array} pixels [height, width, 3] of vectorSize
   * @param {Network} [network] in place of its own
   * @returns {Promise<Float32Array>} what test vectors compare
   */
  numbers(pixels, network) {
    throw new Error("each kind of model has its own");
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {{width: number, height: number}} size
   * @param {Asked} asked
   * @returns {Promise<Seen>}
   */
  look(picture, size, asked) {
    throw new Error("each kind of model has its own");
  }

  /**
   * Look for a faster network; to be used when no look is under way.
   * @param {Uint8Array} flatbuffer
   * @param {import("./vectors.js").Vectors | null} vectors
   * @returns {Promise<(() => void) | null>} what exchanges the network; null: there is none
   */
  async accelerate(flatbuffer, vectors) {
    if (!("gpu" in navigator)) return null;
    const faster = await findFaster(this.network, () => Network.load(flatbuffer, "webgpu"));
    if (faster && vectors && !(await agrees((pixels) => this.numbers(pixels, faster), this.vectorSize, vectors))) {
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
