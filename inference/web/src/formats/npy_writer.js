// Arrays -> the bytes of a .npz that numpy and array_file.js read.

import { toHalf } from "./half.js";
import { writeZip } from "./zip_writer.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]; // "\x93NUMPY", version 1.0
const ALIGNMENT = 64;

/** @type {Record<string, (values: ArrayLike<number>) => ArrayBufferView<ArrayBuffer>>} */
const DTYPES = {
  "<f2": (values) => Uint16Array.from(values, toHalf),
  "<u2": (values) => Uint16Array.from(values),
  "<f8": (values) => Float64Array.from(values),
};

/**
 * @param {Record<string, {dtype: string, shape: number[], values: ArrayLike<number>}>} arrays by name
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function arraysToFile(arrays) {
  const files = Object.entries(arrays).map(([name, array]) => /** @type {[string, Uint8Array]} */ ([`${name}.npy`, npyBytes(array)]));
  return writeZip(new Uint8Array(0), new Map(files));
}

/** @param {{dtype: string, shape: number[], values: ArrayLike<number>}} array */
function npyBytes({ dtype, shape, values }) {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${sides}), }`;
  const start = MAGIC.length + 2;
  const length = Math.ceil((start + header.length + 1) / ALIGNMENT) * ALIGNMENT;
  const data = DTYPES[dtype](values);
  const all = new Uint8Array(length + data.byteLength);
  all.set(MAGIC);
  new DataView(all.buffer).setUint16(MAGIC.length, length - start, true);
  all.set(new TextEncoder().encode(`${header.padEnd(length - start - 1)}\n`), start);
  all.set(new Uint8Array(data.buffer), length);
  return all;
}
