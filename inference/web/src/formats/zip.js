// A zip, perhaps behind other bytes -> its files. Entries must be stored: our models and numpy's .npz compress nothing.

import { InputError } from "../errors.js";

const END = 0x06054b50; // "PK\5\6": the directory's end, at most 64 KiB of comment before the file's
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const IN_ZIP64 = 0xffffffff; // stands for a size that zip64's extra field has

/**
 * @param {Uint8Array} data
 * @returns {{start: number, files: Map<string, Uint8Array>} | null} start: of the first entry; null: no zip is there
 */
export function readZip(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = findEnd(view);
  if (end < 0) return null;
  try {
    return readEntries(data, view, end);
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault; // DataView's, for a place outside the bytes
    throw damaged("it points outside the file");
  }
}

/** @param {DataView} view */
function findEnd(view) {
  const first = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let place = view.byteLength - END_BYTES; place >= first; place--) {
    if (view.getUint32(place, true) === END) return place;
  }
  return -1;
}

/**
 * @param {Uint8Array} data
 * @param {DataView} view
 * @param {number} end
 */
function readEntries(data, view, end) {
  const count = view.getUint16(end + 10, true);
  let place = end - view.getUint32(end + 12, true); // the directory lies right before its end
  const shift = place - view.getUint32(end + 16, true); // bytes before the zip that its offsets do not count
  const files = new Map();
  let start = data.length;
  for (let number = 0; number < count; number++) {
    if (view.getUint32(place, true) !== ENTRY) throw damaged("its directory is broken");
    const local = view.getUint32(place + 42, true) + shift;
    const nameBytes = view.getUint16(place + 28, true);
    const name = new TextDecoder().decode(data.subarray(place + 46, place + 46 + nameBytes));
    files.set(name, readStored(data, view, place, local, name));
    start = Math.min(start, local);
    place += 46 + nameBytes + view.getUint16(place + 30, true) + view.getUint16(place + 32, true);
  }
  return { start, files };
}

/**
 * @param {Uint8Array} data
 * @param {DataView} view
 * @param {number} entry place of the file's entry in the directory
 * @param {number} local place of the header before its bytes
 * @param {string} name
 */
function readStored(data, view, entry, local, name) {
  if (view.getUint32(local, true) !== LOCAL) throw damaged(`${name} is missing`);
  if (view.getUint16(entry + 10, true) !== 0) throw damaged(`${name} is compressed`);
  const size = view.getUint32(entry + 24, true);
  const first = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (size === IN_ZIP64 || first + size > data.length) throw damaged(`${name} is cut off`);
  const content = data.slice(first, first + size);
  if (crc32(content) !== view.getUint32(entry + 16, true)) throw damaged(`${name} has changed`);
  return content;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** @param {Uint8Array} data */
export function crc32(data) {
  let value = 0xffffffff;
  for (const byte of data) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** @param {string} why */
function damaged(why) {
  return new InputError(`The files packed in the model are damaged: ${why}. Copy or export the model again.`);
}
