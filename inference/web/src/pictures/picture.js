// A picture's file -> its upright pixels over white, by the rules of inference/pictures/image_io.py.

import { InputError } from "../errors.js";
import { widen } from "./region.js";
import { Resize } from "./resize.js";

const MOST_AHEAD = 4; // pictures
const MOST_BYTES_AHEAD = 2 ** 21; // of their files together
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

/** Decodes the next pictures while the network looks at one; large ones wait, since a phone's memory is small. */
export class DecodingAhead {
  /** @param {Blob[]} files */
  constructor(files) {
    this.files = files;
    /** @type {Map<number, Promise<ImageBitmap>>} */
    this.begun = new Map();
  }

  /**
   * @param {number} place of the file, counted up by one each time
   * @returns {Promise<ImageBitmap>} to be closed
   */
  take(place) {
    const decoding = this.begun.get(place) ?? decodePicture(this.files[place]);
    this.begun.delete(place);
    let bytes = 0;
    for (let next = place + 1; next < Math.min(place + 1 + MOST_AHEAD, this.files.length); next++) {
      bytes += this.files[next].size;
      if (bytes > MOST_BYTES_AHEAD) break;
      if (!this.begun.has(next)) this.#begin(next);
    }
    return decoding;
  }

  /** @param {number} place */
  #begin(place) {
    const decoding = decodePicture(this.files[place]);
    decoding.catch(() => {}); // whoever takes it is told
    this.begun.set(place, decoding);
  }
}

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {{width: number, height: number}} size of the picture
 * @param {import("./region.js").Box | null} box null: the whole picture
 * @param {import("../model/card.js").Card} card
 * @returns {Uint8Array} RGB at the network's size, [height, width, 3]
 */
export function cutOut(picture, size, box, card) {
  const [left, top, width, height] = box
    ? widen(box, card.region_margin, size.width, size.height)
    : [0, 0, size.width, size.height];
  return shrink(picture, [left, top, width, height], card.input_size);
}

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {import("./region.js").Box} region in whole pixels
 * @param {number[]} size height and width to have
 * @returns {Uint8Array} RGB, [height, width, 3]
 */
export function shrink(picture, region, [toHeight, toWidth]) {
  const resize = new Resize(region[2], region[3], toWidth, toHeight);
  readStrips(picture, region, (strip) => resize.addRows(strip, 4));
  return resize.finish();
}

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {{width: number, height: number}} size
 * @returns {Uint8Array} brightness [height, width], in whole numbers as Pillow's convert("L") computes it
 */
export function readGrey(picture, { width, height }) {
  const grey = new Uint8Array(width * height);
  let place = 0;
  readStrips(picture, [0, 0, width, height], (strip) => {
    for (let n = 0; n < strip.length; n += 4) {
      grey[place++] = (strip[n] * 19595 + strip[n + 1] * 38470 + strip[n + 2] * 7471 + 0x8000) >> 16;
    }
  });
  return grey;
}

/**
 * @param {ImageBitmap | HTMLVideoElement} picture
 * @param {import("./region.js").Box} region
 * @param {(strip: Uint8ClampedArray) => void} onStrip is given rows of RGBA over white
 */
function readStrips(picture, [left, top, width, height], onStrip) {
  const rows = Math.min(Math.max(Math.floor(STRIP_PIXELS / width), 1), height);
  const context = makeContext(width, rows);
  for (let row = 0; row < height; row += rows) {
    const count = Math.min(rows, height - row);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, count);
    context.drawImage(picture, left, top + row, width, count, 0, 0, width, count);
    onStrip(context.getImageData(0, 0, width, count).data);
  }
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
