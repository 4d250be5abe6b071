// A photograph of any size -> one feature map, by a network that takes tiles: inference/anomaly/tiles.py.

import { mirrored } from "./maps.js";

export class Tiling {
  /**
   * @param {number} side of a tile, in pixels
   * @param {number} margin on each side of a tile, which only gives context
   * @param {number} stride pixels of a position
   * @param {number} alignment pixels by which tiles begin earlier
   */
  constructor(side, margin, stride, alignment) {
    this.side = side;
    this.margin = margin;
    this.stride = stride;
    this.alignment = alignment;
    this.step = side - 2 * margin;
  }

  /**
   * @param {(tile: Uint8Array) => Promise<Float32Array>} network to features of a tile's positions
   * @param {Uint8Array} pixels [height, width, 3]
   * @param {number} height
   * @param {number} width
   * @param {number} features of a position
   * @returns {Promise<{rows: number, columns: number, values: Float32Array}>} values [rows, columns, features]
   */
  async look(network, pixels, height, width, features) {
    const [rows, columns] = [Math.ceil(height / this.stride), Math.ceil(width / this.stride)];
    const values = new Float32Array(rows * columns * features);
    for (let top = 0; top < height; top += this.step) {
      for (let left = 0; left < width; left += this.step) {
        const tile = await network(this.#cut(pixels, height, width, top, left));
        this.#place(tile, values, [rows, columns, features], top / this.stride, left / this.stride);
      }
    }
    return { rows, columns, values };
  }

  /**
   * @param {Uint8Array} pixels
   * @param {number} height
   * @param {number} width
   * @param {number} top of the part that the tile is for
   * @param {number} left
   * @returns {Uint8Array} [side, side, 3], mirrored beyond the photograph
   */
  #cut(pixels, height, width, top, left) {
    const { side } = this;
    const before = this.margin + this.alignment;
    const tile = new Uint8Array(side * side * 3);
    const across = Int32Array.from({ length: side }, (_, n) => 3 * mirrored(left - before + n, width));
    for (let row = 0, place = 0; row < side; row++) {
      const start = 3 * width * mirrored(top - before + row, height);
      for (let column = 0; column < side; column++, place += 3) {
        const from = start + across[column];
        tile[place] = pixels[from];
        tile[place + 1] = pixels[from + 1];
        tile[place + 2] = pixels[from + 2];
      }
    }
    return tile;
  }

  /**
   * Copy the inner part of a tile's map to where it belongs.
   * @param {Float32Array} tile
   * @param {Float32Array} values
   * @param {number[]} size rows, columns and features of the values
   * @param {number} top in positions
   * @param {number} left
   */
  #place(tile, values, [rows, columns, features], top, left) {
    const edge = this.margin / this.stride;
    const across = this.side / this.stride;
    const inner = across - 2 * edge;
    const count = Math.min(inner, columns - left) * features;
    for (let row = 0; row < Math.min(inner, rows - top); row++) {
      const from = ((edge + row) * across + edge) * features;
      values.set(tile.subarray(from, from + count), ((top + row) * columns + left) * features);
    }
  }
}
