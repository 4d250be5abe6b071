// Numbers of 16 bits, IEEE 754: one bit for the sign, five for the exponent, ten for the fraction.

/**
 * @param {number} bits
 * @returns {number}
 */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

/**
 * @param {number} value
 * @returns {number} the bits of the nearest half; of two alike the even one, as numpy rounds
 */
export function toHalf(value) {
  const single = new Uint32Array(Float32Array.of(value).buffer)[0];
  const sign = (single >>> 16) & 0x8000;
  const exponent = ((single >>> 23) & 255) - 112;
  const fraction = single & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent < -10) return sign;
  const shift = exponent > 0 ? 13 : 14 - exponent;
  const whole = exponent > 0 ? exponent * 2 ** 23 + fraction : fraction + 2 ** 23;
  const kept = Math.floor(whole / 2 ** shift);
  const rest = whole - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return sign | (kept + (rest > half || (rest === half && kept % 2) ? 1 : 0));
}
