// Maps of numbers, one for each position of a photograph, by rows.

/** @typedef {{rows: number, columns: number, values: Float32Array}} NumberMap */

/**
 * @param {number} rows
 * @param {number} columns
 * @param {(row: number, column: number) => number} valueAt
 * @returns {NumberMap}
 */
export function makeMap(rows, columns, valueAt) {
  const values = new Float32Array(rows * columns);
  for (let row = 0, place = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, place++) values[place] = valueAt(row, column);
  }
  return { rows, columns, values };
}

/**
 * @param {number} place perhaps outside 0 .. length - 1
 * @param {number} length
 * @returns {number} the place that lies there when everything is mirrored at its edges, again and again
 */
export function mirrored(place, length) {
  const turned = ((place % (2 * length)) + 2 * length) % (2 * length);
  return turned < length ? turned : 2 * length - 1 - turned;
}
