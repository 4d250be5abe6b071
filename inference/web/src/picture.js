// A picture's file -> its upright pixels over white, by the rules of inference/image_io.py.

import { InputError } from "./errors.js";
import { widen } from "./region.js";
import { Resize } from "./resize.js";

const MOST_BYTES_AHEAD = 2 ** 21; // of a file
const STRIP_PIXELS = 2 ** 20; // a phone's canvas may hold 16 million, a photograph has more

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>} upright; colours as they are stored; to be closed
 */
export async function decodePicture(file) {
  try {
    return await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new InputError("is no picture that this browser can read. Convert it to JPEG or PNG.");
  }
}

/**
 * Decode a picture ahead of time; a large one waits for its turn, since a phone's memory may not hold two.
 * @param {Blob | undefined} file
 * @returns {Promise<ImageBitmap> | null}
 */
export function startDecoding(file) {
  if (!file || file.size > MOST_BYTES_AHEAD) return null;
  const decoding = decodePicture(file);
  decoding.catch(() => {}); // whoever waits for it is told
  return decoding;
}

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {{width: number, height: number}} size of the picture
 * @param {import("./region.js").Box | null} box null: the whole picture
 * @param {import("./card.js").Card} card
 * @returns {Uint8Array} RGB at the network's size, [height, width, 3]
 */
export function cutOut(picture, size, box, card) {
  const [left, top, width, height] = box
    ? widen(box, card.region_margin, size.width, size.height)
    : [0, 0, size.width, size.height];
  const [toHeight, toWidth] = card.input_size;
  const resize = new Resize(width, height, toWidth, toHeight);
  const rows = Math.min(Math.max(Math.floor(STRIP_PIXELS / width), 1), height);
  const context = makeContext(width, rows);
  for (let row = 0; row < height; row += rows) {
    const count = Math.min(rows, height - row);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, count);
    context.drawImage(picture, left, top + row, width, count, 0, 0, width, count);
    resize.addRows(context.getImageData(0, 0, width, count).data, 4);
  }
  return resize.finish();
}

/** @type {CanvasRenderingContext2D | null} */
let shared = null; // a canvas takes longer to make than a small picture to read

/**
 * @param {number} width
 * @param {number} height
 */
function makeContext(width, height) {
  shared ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true }); // a GPU's rounds otherwise
  if (!shared) throw new Error("the browser gives no canvas");
  shared.canvas.width = width;
  shared.canvas.height = height;
  return shared;
}
