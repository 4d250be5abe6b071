// A flatbuffer -> a function from pixels to probabilities, by LiteRT in WebAssembly.
//
// One thread on the processor: a picture takes these networks a millisecond or two, less than it takes to wake threads,
// which browsers allow on HTTPS pages alone. For those that take longer there is graphics_card.js.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

import { InputError } from "../errors.js";

/** @type {Promise<unknown> | undefined} */
let runtime;

/** Start to load the runtime, so that it comes while other things do. */
export function startRuntime() {
  if (!runtime) {
    Object.assign(globalThis, { Module: { printErr: note } }); // where LiteRT's loader looks for settings
    runtime = loadLiteRt("wasm/");
  }
  return runtime;
}

/** @param {string} line that LiteRT writes to standard error, where most are no errors */
function note(line) {
  if (/^(INFO|WARNING|VERBOSE|[IW]\d{4})\b/.test(line)) console.debug(line);
  else console.error(line);
}

export class Network {
  /** @param {Awaited<ReturnType<typeof loadAndCompile>>} model */
  constructor(model) {
    this.model = model;
    this.shape = Array.from(model.getInputDetails()[0].shape);
    this.outputShapes = model.getOutputDetails().map((output) => Array.from(output.shape));
    this.outputs = this.outputShapes.map((shape) => shape.reduce((product, side) => product * side, 1));
  }

  /**
   * @param {Uint8Array} flatbuffer
   * @param {"wasm" | "webgpu"} [accelerator]
   * @returns {Promise<Network>}
   */
  static async load(flatbuffer, accelerator = "wasm") {
    await startRuntime();
    try {
      return new Network(await loadAndCompile(flatbuffer, { accelerator }));
    } catch (fault) {
      throw new InputError(`LiteRT cannot load the network: ${fault}. Export the model again.`);
    }
  }

  /**
   * @param {Uint8Array} pixels [height, width, 3]
   * @returns {Promise<Float32Array[]>} probabilities [labels], perhaps also features [features]; or a map of features
   */
  async look(pixels) {
    const input = Tensor.fromTypedArray(/** @type {Uint8Array<ArrayBuffer>} */ (pixels), this.shape);
    const outputs = await this.model.run(input);
    try {
      return await Promise.all(outputs.map(async (output) => Float32Array.from(await output.data())));
    } finally {
      for (const tensor of [input, ...outputs]) tensor.delete(); // WebAssembly's memory is not collected
    }
  }

  close() {
    this.model.delete();
  }
}
