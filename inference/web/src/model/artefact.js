// The bytes of a .tflite -> its flatbuffer and the files packed behind it, as inference/model/artefact.py does.

import { InputError } from "../errors.js";
import { readZip } from "../formats/zip.js";

const MAGIC = "TFL3"; // at bytes 4 to 8

/**
 * @param {Uint8Array} data
 * @returns {{flatbuffer: Uint8Array, files: Map<string, Uint8Array>}}
 */
export function splitArtefact(data) {
  const found = String.fromCharCode(...data.subarray(4, 8));
  if (found !== MAGIC) {
    throw new InputError("This is no TFLite model. Give the .tflite file that export wrote.");
  }
  const zip = readZip(data);
  return zip
    ? { flatbuffer: data.slice(0, zip.start), files: zip.files }
    : { flatbuffer: data, files: new Map() };
}
