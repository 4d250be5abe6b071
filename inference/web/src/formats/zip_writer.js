// Files -> a zip, stored, perhaps behind other bytes: byte for byte what inference/model/artefact.py's pack_artefact writes.

import { crc32 } from "./zip.js";

const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const VERSION = 20;
const UNIX = 3 << 8;
const DATE = (1 << 5) | 1; // 1980-01-01, the format's earliest
const ATTRIBUTES = 0o600 * 2 ** 16; // of a file that its owner reads and writes
const UTF8 = 0x800;

/**
 * @param {Uint8Array} before what lies before the zip; offsets count from its start
 * @param {Map<string, Uint8Array>} files
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeZip(before, files) {
  const entries = Array.from(files, ([name, content]) => {
    const bytes = new TextEncoder().encode(name);
    return { name: bytes, content, crc: crc32(content), flags: bytes.length > name.length ? UTF8 : 0 };
  });
  const local = entries.reduce((sum, { name, content }) => sum + LOCAL_BYTES + name.length + content.length, 0);
  const central = entries.reduce((sum, { name }) => sum + ENTRY_BYTES + name.length, 0);
  const all = new Uint8Array(before.length + local + central + END_BYTES);
  const writer = new Writer(all, before.length);
  all.set(before);
  const offsets = entries.map(({ name, content, crc, flags }) => {
    const offset = writer.place;
    writer.numbers([4, 0x04034b50], [2, VERSION], [2, flags], [2, 0], [2, 0], [2, DATE], [4, crc]);
    writer.numbers([4, content.length], [4, content.length], [2, name.length], [2, 0]);
    writer.bytes(name);
    writer.bytes(content);
    return offset;
  });
  const start = writer.place;
  entries.forEach(({ name, content, crc, flags }, n) => {
    writer.numbers([4, 0x02014b50], [2, UNIX | VERSION], [2, VERSION], [2, flags], [2, 0], [2, 0], [2, DATE], [4, crc]);
    writer.numbers([4, content.length], [4, content.length], [2, name.length], [2, 0], [2, 0], [2, 0], [2, 0]);
    writer.numbers([4, ATTRIBUTES], [4, offsets[n]]);
    writer.bytes(name);
  });
  writer.numbers([4, 0x06054b50], [2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, central], [4, start], [2, 0]);
  return all;
}

class Writer {
  /**
   * @param {Uint8Array} target
   * @param {number} place
   */
  constructor(target, place) {
    this.target = target;
    this.view = new DataView(target.buffer);
    this.place = place;
  }

  /** @param {[number, number][]} fields bytes of each, 2 or 4, and its value */
  numbers(...fields) {
    for (const [size, value] of fields) {
      if (size === 2) this.view.setUint16(this.place, value, true);
      else this.view.setUint32(this.place, value, true);
      this.place += size;
    }
  }

  /** @param {Uint8Array} content */
  bytes(content) {
    this.target.set(content, this.place);
    this.place += content.length;
  }
}
