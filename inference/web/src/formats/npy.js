// The bytes of a .npy -> an array. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { InputError } from "../errors.js";
import { halfToNumber } from "./half.js";

/** @typedef {{dtype: string, shape: number[], values: Float32Array | Float64Array | Int8Array | Uint8Array | Uint16Array}} Array_ */

/** @type {Record<string, (bytes: ArrayBuffer) => Array_["values"]>} */
const DTYPES = {
  "<f2": (bytes) => Float32Array.from(new Uint16Array(bytes), halfToNumber),
  "<f4": (bytes) => new Float32Array(bytes),
  "|i1": (bytes) => new Int8Array(bytes),
  "|u1": (bytes) => new Uint8Array(bytes),
  "<u2": (bytes) => new Uint16Array(bytes), // every browser's machine is little-endian
  "<f8": (bytes) => new Float64Array(bytes),
};
const MOST_DIMENSIONS = 4;
const BYTES = /** @type {Record<string, number>} */ ({ "<f2": 2, "<f4": 4, "|i1": 1, "|u1": 1, "<u2": 2, "<f8": 8 });

/**
 * @param {Uint8Array} data
 * @param {string} name
 * @returns {Array_}
 */
export function readNpy(data, name) {
  const long = data[6] > 1; // version 2 has four bytes for the header's length
  const start = long ? 12 : 10;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(data.subarray(start, end));
  const dtype = /'descr': '([^']+)'/.exec(header)?.[1] ?? "";
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((side) => side.trim()).map(Number);
  const count = shape.reduce((product, side) => product * side, 1);
  if (!(dtype in DTYPES) || shape.length > MOST_DIMENSIONS) {
    throw new InputError(`${name} has an unknown layout. Export the model again.`);
  }
  if (data.length - end !== count * BYTES[dtype]) {
    throw new InputError(`${name} is damaged: it must hold ${count} numbers. Export the model again.`);
  }
  const values = DTYPES[dtype](data.slice(end).buffer);
  const byColumns = header.includes("'fortran_order': True") && shape.length > 1;
  if (byColumns && shape.length > 2) throw new InputError(`${name} has an unknown layout. Export the model again.`);
  return { dtype, shape, values: byColumns ? byRows(values, shape) : values };
}

/**
 * @template {Array_["values"]} T
 * @param {T} values column by column
 * @param {number[]} shape
 * @returns {T} row by row
 */
function byRows(values, [rows, columns]) {
  const turned = /** @type {T} */ (values.slice());
  for (let n = 0; n < values.length; n++) turned[(n % rows) * columns + Math.floor(n / rows)] = values[n];
  return turned;
}
