// The bytes of a .tflite -> the model that its card describes, on a backend that gives the answers of its export.

import { Detector } from "../anomaly/detector.js";
import { splitArtefact } from "./artefact.js";
import { readCard } from "./card.js";
import { Classifier } from "./classifier.js";
import { canLearn } from "../enrollment/enroll.js";
import { InputError } from "../errors.js";
import { Network } from "./network.js";
import { STRINGS } from "../panels/strings.js";
import { agrees, readVectors } from "./vectors.js";

/** @typedef {import("./model.js").Model} Model */

/**
 * By the card's decision.
 * @type {Record<string, new (card: import("./card.js").Card, network: Network, files: Map<string, Uint8Array>) => Model>}
 */
const KINDS = { softmax: Classifier, neighbours: Classifier, anomaly: Detector };

/**
 * @param {Uint8Array} data
 * @returns {Promise<{model: Model, canLearn: boolean, accelerate: () => Promise<(() => void) | null>}>} canLearn: whether
 *   classes can be added to it
 */
export async function loadModel(data) {
  const { flatbuffer, files } = splitArtefact(data);
  const card = readCard({ flatbuffer, files });
  const vectors = readVectors(files);
  const model = await loadTrusted(flatbuffer, vectors, (network) => new KINDS[card.decision](card, network, files));
  return { model, canLearn: canLearn(files), accelerate: () => model.accelerate(flatbuffer, vectors) };
}

/**
 * Load the network where it gives the answers of its export: on the processor, else on the graphics card.
 * @param {Uint8Array} flatbuffer
 * @param {import("./vectors.js").Vectors | null} vectors
 * @param {(network: Network) => Model} make
 * @returns {Promise<Model>} it has looked once, since the first time takes longer
 */
async function loadTrusted(flatbuffer, vectors, make) {
  const backends = /** @type {("wasm" | "webgpu")[]} */ ("gpu" in navigator && vectors ? ["wasm", "webgpu"] : ["wasm"]);
  for (const backend of backends) {
    const network = await loadOn(backend, flatbuffer);
    if (!network) continue;
    try {
      const model = make(network);
      if (await isTrusted(model, vectors)) {
        if (backend !== "wasm") model.notice = STRINGS.otherBackend;
        return model;
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
 * @param {Model} model
 * @param {import("./vectors.js").Vectors | null} vectors
 */
async function isTrusted(model, vectors) {
  if (vectors) return agrees((pixels) => model.numbers(pixels), model.vectorSize, vectors);
  await model.network.look(new Uint8Array(model.network.shape.reduce((product, side) => product * side, 1)));
  return true;
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
