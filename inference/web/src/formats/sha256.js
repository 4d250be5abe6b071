// SHA-256 (FIPS 180-4). The browser has its own, but not on a page without HTTPS, and a phone on the same network is
// served without.

const isPrime = (/** @type {number} */ n) => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
};
const PRIMES = Array.from({ length: 310 }, (_, place) => place + 2).filter(isPrime); // the first 64 and one more
const fraction = (/** @type {number} */ value) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const CONSTANTS = Int32Array.from(PRIMES.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/**
 * @param {Uint8Array} data
 * @returns {string} 64 hexadecimal digits
 */
export function sha256(data) {
  const state = START.slice();
  const words = new Int32Array(64);
  const padded = pad(data);
  for (let place = 0; place < padded.byteLength; place += 64) addBlock(state, words, padded, place);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {Uint8Array} data */
function pad(data) {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  return view;
}

/**
 * @param {Int32Array} state
 * @param {Int32Array} words
 * @param {DataView} data
 * @param {number} place
 */
function addBlock(state, words, data, place) {
  for (let n = 0; n < 16; n++) words[n] = data.getInt32(place + 4 * n);
  for (let n = 16; n < 64; n++) {
    const low = turn(words[n - 15], 7) ^ turn(words[n - 15], 18) ^ (words[n - 15] >>> 3);
    const high = turn(words[n - 2], 17) ^ turn(words[n - 2], 19) ^ (words[n - 2] >>> 10);
    words[n] = words[n - 16] + low + words[n - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let n = 0; n < 64; n++) {
    const first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + CONSTANTS[n] + words[n];
    const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, n) => (state[n] += value));
}

/**
 * @param {number} word
 * @param {number} bits
 */
function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
