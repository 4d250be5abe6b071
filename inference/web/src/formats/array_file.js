// The bytes of a .npz packed behind a network -> its arrays, checked as inference/model/array_file.py does.

import { InputError } from "../errors.js";
import { readNpy } from "./npy.js";
import { readZip } from "./zip.js";

export const AGAIN = "Export the model again.";

/**
 * What the arrays must be: type and number of dimensions.
 * @typedef {Record<string, [string, number]>} Columns
 */

/**
 * @param {Uint8Array} data
 * @param {Columns} columns
 * @param {string} file for messages
 * @returns {import("./npy.js").Array_[]} in the order of the columns
 */
export function readArrays(data, columns, file) {
  const packed = readZip(data)?.files;
  if (!packed) throw new InputError(`${file} is damaged: it is no .npz. ${AGAIN}`);
  return Object.entries(columns).map(([name, [dtype, dimensions]]) => {
    const content = packed.get(`${name}.npy`);
    if (!content) throw new InputError(`${file} is damaged: ${name} is missing. ${AGAIN}`);
    const array = readNpy(content, `${file}: ${name}`);
    if (array.dtype !== dtype || array.shape.length !== dimensions || !array.values.every(Number.isFinite)) {
      throw misfit(file);
    }
    return array;
  });
}

/** @param {string} file whose arrays do not belong to the network that they are packed behind */
export function misfit(file) {
  return new InputError(`${file} does not fit the network. ${AGAIN}`);
}
