// The bytes of a .tflite that finds anomalies -> answers for photographs: inference/anomaly/detector.py.

import { InputError } from "../errors.js";
import { Model } from "../model/model.js";
import { readGrey, shrink } from "../pictures/picture.js";
import { Scorer } from "./scorer.js";

const BETWEEN_PAINTED_MS = 100;

/**
 * @typedef {import("./scorer.js").Evidence} Evidence
 * @typedef {import("./scorer.js").Size} Size
 */

export class Detector extends Model {
  /**
   * @param {import("../model/card.js").Card} card
   * @param {import("../model/network.js").Network} network
   * @param {Map<string, Uint8Array>} files packed behind the model
   */
  constructor(card, network, files) {
    super(card, network);
    const [, side, across] = network.shape;
    const [, rows, columns, features] = network.outputShapes[0];
    if (network.outputShapes[0].length !== 4 || side !== across || rows !== columns || side % rows) {
      throw new InputError("The network gives no map of a square picture. Export the model again.");
    }
    this.scorer = new Scorer(files, card, { side, stride: side / rows, features });
    const { margin, step, stride } = this.scorer.tiling;
    if (step <= 0 || margin % stride) throw new InputError("The memory bank does not fit the network. Export the model again.");
    this.vectorSize = [step, step];
  }

  get takesBoxes() {
    return false;
  }

  /** @param {number} threshold from 0, which flags everything, to 1, which flags nothing */
  setThreshold(threshold) {
    this.scorer.threshold = threshold;
  }

  /**
   * @param {Uint8Array} pixels
   * @param {import("../model/network.js").Network} network
   */
  numbers(pixels, network = this.network) {
    return this.scorer.numbers((tile) => look(network, tile), pixels);
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {Size} size
   * @param {import("../model/model.js").Asked} asked
   * @returns {Promise<import("../model/model.js").Seen>}
   */
  async look(picture, size, { evidence: known = null, onProgress = () => {} }) {
    const start = performance.now();
    const { width, height } = size;
    let networkMs = 0;
    const evidence = known ?? (await this.#see(picture, { width, height }, onProgress, (ms) => (networkMs += ms)));
    const grey = this.scorer.names ? readGrey(picture, size) : null;
    const answer = this.scorer.answer(evidence, grey);
    return { answer, evidence, probabilities: [], networkMs, wholeMs: performance.now() - start };
  }

  /**
   * @param {Evidence} evidence
   * @param {Size} size
   * @returns {import("./components.js").Component[]} regions at the threshold in use, in pixels of this size
   */
  regions(evidence, size) {
    return this.scorer.find(evidence, size).components;
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {Size} size
   * @param {(share: number) => void} onProgress
   * @param {(ms: number) => void} onNetwork
   * @returns {Promise<Evidence>}
   */
  async #see(picture, size, onProgress, onNetwork) {
    const seen = this.scorer.seenSize(size);
    const pixels = shrink(picture, [0, 0, size.width, size.height], [seen.height, seen.width]);
    const { step } = this.scorer.tiling;
    const tiles = Math.ceil(seen.width / step) * Math.ceil(seen.height / step);
    let [done, painted] = [0, performance.now()];
    const map = await this.scorer.score(
      async (tile) => {
        const start = performance.now();
        const features = await look(this.network, tile);
        onNetwork(performance.now() - start);
        done++;
        if (performance.now() - painted > BETWEEN_PAINTED_MS) {
          onProgress(done / tiles);
          await new Promise((resume) => setTimeout(resume)); // so that the browser can paint
          painted = performance.now();
        }
        return features;
      },
      pixels,
      seen,
    );
    return { map, size, seen };
  }
}

/**
 * @param {import("../model/network.js").Network} network
 * @param {Uint8Array} tile
 */
async function look(network, tile) {
  const [features] = await network.look(tile);
  for (const one of features) if (!Number.isFinite(one)) throw new InputError("makes the network overflow. Export it again.");
  return features;
}
