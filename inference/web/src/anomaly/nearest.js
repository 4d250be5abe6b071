// The distance to the nearest of many vectors: a loop in WebAssembly that compares a position with eight vectors at once.
//
// JavaScript has no instructions for several numbers at once, and takes ten times as long. The loop is short enough to be
// written here instruction by instruction, so that building the page needs no other compiler. Opcodes: WebAssembly core
// specification 2.0, section 5.4.

const LANES = 4; // numbers of 32 bits that one instruction works on
const AT_ONCE = 2 * LANES; // vectors
const BYTES = 4; // of a number
const POSITIONS = 128; // at a time, so that they stay in the processor's nearest cache
const PAGE = 2 ** 16; // bytes

export class NearestVectors {
  /**
   * @param {Float32Array} vectors [vectors, features], at least one
   * @param {number} features
   */
  constructor(vectors, features) {
    this.features = features;
    const blocks = interleave(vectors, features);
    this.end = blocks.byteLength;
    const bytes = this.end + POSITIONS * (features + LANES) * BYTES;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
    const { nearest } = new WebAssembly.Instance(new WebAssembly.Module(CODE), { "": { memory } }).exports;
    this.search = /** @type {(...addresses: number[]) => void} */ (nearest);
    new Float32Array(memory.buffer).set(blocks);
    this.positions = new Float32Array(memory.buffer, this.end, POSITIONS * features);
    this.squares = new Float32Array(memory.buffer, this.end + this.positions.byteLength, POSITIONS * LANES);
  }

  /**
   * @param {Float32Array} positions [positions, features]
   * @returns {Float32Array} [positions]
   */
  distances(positions) {
    const { features, squares } = this;
    const found = new Float32Array(positions.length / features);
    for (let first = 0; first < found.length; first += POSITIONS) {
      const some = positions.subarray(first * features, (first + POSITIONS) * features);
      this.positions.set(some);
      squares.fill(Infinity);
      this.search(this.end, this.end + some.byteLength, 0, this.end, features * BYTES, squares.byteOffset);
      for (let n = 0; n < some.length / features; n++) {
        found[first + n] = Math.sqrt(Math.min(...squares.subarray(n * LANES, (n + 1) * LANES)));
      }
    }
    return found;
  }
}

/**
 * @param {Float32Array} vectors
 * @param {number} features
 * @returns {Float32Array} [blocks, features, AT_ONCE]; the last block is filled up with the last vector
 */
function interleave(vectors, features) {
  const count = vectors.length / features;
  const blocks = new Float32Array(Math.ceil(count / AT_ONCE) * AT_ONCE * features);
  for (let place = 0; place < blocks.length; place++) {
    const [block, rest] = [Math.floor(place / (AT_ONCE * features)), place % (AT_ONCE * features)];
    const vector = Math.min(block * AT_ONCE + (rest % AT_ONCE), count - 1);
    blocks[place] = vectors[vector * features + Math.floor(rest / AT_ONCE)];
  }
  return blocks;
}

/**
 * nearest(positions, positionsEnd, vectors, vectorsEnd, positionBytes, squares), all addresses in bytes: lowers the squares
 * of each position, LANES of them, to the squared distances of vectors that are smaller.
 */
function assemble() {
  const [positions, positionsEnd, vectors, vectorsEnd, positionBytes, squares] = [0, 1, 2, 3, 4, 5];
  const [feature, featuresEnd, vector, square, one, other, value, off] = [6, 7, 8, 9, 10, 11, 12, 13];
  const [I32, V128, EMPTY] = [0x7f, 0x7b, 0x40];
  const get = (/** @type {number} */ local) => [0x20, local];
  const set = (/** @type {number} */ local) => [0x21, local];
  const tee = (/** @type {number} */ local) => [0x22, local];
  const plus = (/** @type {number} */ local, /** @type {number} */ bytes) => [...get(local), 0x41, bytes, 0x6a, ...set(local)];
  const loopWhile = (/** @type {number} */ local, /** @type {number} */ end, /** @type {number[]} */ body) =>
    [0x03, EMPTY, ...body, ...get(local), ...get(end), 0x49, 0x0d, 0, 0x0b]; // until it is not below the end
  const load = (/** @type {number} */ offset) => [0xfd, 0x00, 2, offset];
  const splat = [0xfd, 0x09, 2, 0]; // load one number into all lanes
  const store = [0xfd, 0x0b, 2, 0];
  const [add, subtract, multiply, min] = [0xe4, 0xe5, 0xe6, 0xe8].map((code) => [0xfd, code, 1]);
  const all = (/** @type {number} */ number) => [0xfd, 0x0c, ...new Uint8Array(new Float32Array(LANES).fill(number).buffer)];
  const addSquares = (/** @type {number} */ sum, /** @type {number} */ offset) =>
    [...get(sum), ...get(value), ...get(vector), ...load(offset), ...subtract, ...tee(off), ...get(off), ...multiply, ...add, ...set(sum)];
  const body = loopWhile(vectors, vectorsEnd, [
    ...get(positions), ...set(feature),
    ...get(squares), ...set(square),
    ...loopWhile(feature, positionsEnd, [
      ...get(feature), ...get(positionBytes), 0x6a, ...set(featuresEnd),
      ...all(0), ...tee(one), ...set(other),
      ...get(vectors), ...set(vector),
      ...loopWhile(feature, featuresEnd, [
        ...get(feature), ...splat, ...set(value),
        ...addSquares(one, 0),
        ...addSquares(other, LANES * BYTES),
        ...plus(vector, AT_ONCE * BYTES),
        ...plus(feature, BYTES),
      ]),
      ...get(square), ...get(square), ...load(0), ...get(one), ...get(other), ...min, ...min, ...store,
      ...plus(square, LANES * BYTES),
    ]),
    ...get(vector), ...set(vectors),
  ]);
  const text = (/** @type {string} */ name) => [name.length, ...new TextEncoder().encode(name)];
  const sized = (/** @type {number[]} */ bytes) => [(bytes.length & 0x7f) | 0x80, bytes.length >> 7, ...bytes]; // 128 to 16383
  const section = (/** @type {number} */ id, /** @type {number[]} */ bytes) => [id, ...sized(bytes)];
  return Uint8Array.from([
    ...text("\0asm").slice(1), 1, 0, 0, 0,
    ...section(1, [1, 0x60, 6, ...Array(6).fill(I32), 0]), // the type of the function
    ...section(2, [1, ...text(""), ...text("memory"), 2, 0, 1]), // imported memory of at least a page
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("nearest"), 0, 0]),
    ...section(10, [1, ...sized([2, 4, I32, 4, V128, ...body, 0x0b])]),
  ]);
}

const CODE = assemble();
