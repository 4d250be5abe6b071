// Numbers of a network -> confidence and answer, and pixels -> the network's size: all the arithmetic of the runner.
//
// Plain functions of numbers and arrays, in so few kinds of statements that tests/test_phones.py turns them into Python,
// line by line, and compares them with the runner. "// whole numbers": its divisions are of whole numbers.

package touchstone.phone

import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

const val TINY = 1e-12
const val PRECISION_BITS = 22
const val HALF = 2097152 // 2 to the power of PRECISION_BITS - 1

/** Returns 1 / (1 + exp(-value)), without overflow: inference/model/logistic.py. */
fun logistic(value: Double): Double {
    return 1 / (1 + exp(-min(max(value, -60.0), 60.0)))
}

/** Returns a number of 16 bits, IEEE 754: one bit for the sign, five for the exponent, ten for the fraction. */
fun halfToNumber(bits: Int): Double {
    val exponent = bits / 1024 % 32 // whole numbers
    val fraction = number(bits % 1024) / 1024
    var value = fraction * power(2.0, -14.0)
    if (exponent > 0) {
        value = (1 + fraction) * power(2.0, number(exponent) - 15)
    }
    if (bits >= 32768) {
        value = -value
    }
    return value
}

/** Returns the values from a place on, scaled to length 1; values of length 0 stay. */
fun unitVector(values: DoubleArray, start: Int, count: Int): DoubleArray {
    val scaled = DoubleArray(count)
    var sum = 0.0
    for (n in 0 until count) {
        sum += values[start + n] * values[start + n]
    }
    val length = max(sqrt(sum), TINY)
    for (n in 0 until count) {
        scaled[n] = values[start + n] / length
    }
    return scaled
}

/** Returns features [features] in fewer numbers, of length 1; projection: [features, dimensions]. */
fun project(features: DoubleArray, projection: DoubleArray, dimensions: Int): DoubleArray {
    val sums = DoubleArray(dimensions)
    for (row in 0 until features.size) {
        for (n in 0 until dimensions) {
            sums[n] += features[row] * projection[row * dimensions + n]
        }
    }
    return unitVector(sums, 0, dimensions)
}

/** Returns the cosine of a vector to the count-th nearest of others [rows, dimensions]; all of length 1. */
fun nthCosine(vector: DoubleArray, others: DoubleArray, rows: Int, count: Int): Double {
    val cosines = DoubleArray(rows)
    for (row in 0 until rows) {
        var sum = 0.0
        for (n in 0 until vector.size) {
            sum += vector[n] * others[row * vector.size + n]
        }
        cosines[row] = sum
    }
    cosines.sort()
    return cosines[rows - count]
}

/** Returns the confidence of the best answer: its probability, weighed by the similarity to training pictures. */
fun confidenceOf(best: Double, knnScore: Double, slope: Double, offset: Double): Double {
    val counts = min(max(best * logistic(knnScore), TINY), 1 - 1e-7)
    return logistic(slope * ln(counts / (1 - counts)) + offset)
}

/** Returns the number of the most probable answer; answers: numbers of the labels that are no reject labels. */
fun mostProbable(probabilities: DoubleArray, answers: IntArray): Int {
    var best = answers[0]
    for (n in 0 until answers.size) {
        if (probabilities[answers[n]] > probabilities[best]) {
            best = answers[n]
        }
    }
    return best
}

/** Returns probabilities of which the best answer's is the confidence: Neighbours.weigh of the runner. */
fun weigh(probabilities: DoubleArray, best: Int, confidence: Double): DoubleArray {
    val before = probabilities[best]
    var factor = (1 - confidence) / max(1 - before, TINY)
    if (confidence <= before) {
        factor = confidence / max(before, TINY)
    }
    val weighed = DoubleArray(probabilities.size)
    for (n in 0 until probabilities.size) {
        weighed[n] = single(min(max(probabilities[n] * factor, 0.0), 1.0))
    }
    weighed[best] = single(confidence)
    return weighed
}

/** Returns RGB [height, width, 3] of a small square picture by its nearest pixels: how test vectors are enlarged. */
fun enlarge(picture: IntArray, side: Int, height: Int, width: Int): IntArray {
    val large = IntArray(height * width * 3)
    for (row in 0 until height) {
        for (column in 0 until width) {
            val source = (row * side / height * side + column * side / width) * 3 // whole numbers
            val target = (row * width + column) * 3
            for (channel in 0 until 3) {
                large[target + channel] = picture[source + channel]
            }
        }
    }
    return large
}

/** Returns RGB [height, width, 3] at the network's size, by Pillow's antialiased BILINEAR; pixels: RGB. */
fun resize(pixels: IntArray, width: Int, height: Int, toWidth: Int, toHeight: Int): IntArray {
    if (height > toHeight && height - toHeight > 2 * (width - toWidth)) {
        return resizeAcross(resizeDown(pixels, width, height, toHeight), width, toHeight, toWidth)
    }
    return resizeDown(resizeAcross(pixels, width, height, toWidth), toWidth, height, toHeight)
}

/** Returns rows of another length. */
fun resizeAcross(pixels: IntArray, width: Int, height: Int, toWidth: Int): IntArray {
    val result = IntArray(height * toWidth * 3)
    for (column in 0 until toWidth) {
        val first = firstOf(width, toWidth, column)
        val weights = weightsOf(width, toWidth, column)
        for (row in 0 until height) {
            for (channel in 0 until 3) {
                var sum = HALF
                for (n in 0 until weights.size) {
                    sum += pixels[(row * width + first + n) * 3 + channel] * weights[n]
                }
                result[(row * toWidth + column) * 3 + channel] = toByte(sum)
            }
        }
    }
    return result
}

/** Returns another number of rows. */
fun resizeDown(pixels: IntArray, width: Int, height: Int, toHeight: Int): IntArray {
    val result = IntArray(toHeight * width * 3)
    for (row in 0 until toHeight) {
        val first = firstOf(height, toHeight, row)
        val weights = weightsOf(height, toHeight, row)
        for (place in 0 until width * 3) {
            var sum = HALF
            for (n in 0 until weights.size) {
                sum += pixels[(first + n) * width * 3 + place] * weights[n]
            }
            result[row * width * 3 + place] = toByte(sum)
        }
    }
    return result
}

/** Returns the first old pixel that counts for a new one. */
fun firstOf(old: Int, new: Int, place: Int): Int {
    val scale = number(old) / number(new)
    return max(whole((number(place) + 0.5) * scale - max(scale, 1.0) + 0.5), 0)
}

/** Returns the weights of the old pixels for a new one, from the first on, with PRECISION_BITS behind the point. */
fun weightsOf(old: Int, new: Int, place: Int): IntArray {
    val scale = number(old) / number(new)
    val support = max(scale, 1.0)
    val centre = (number(place) + 0.5) * scale
    val first = firstOf(old, new, place)
    val end = min(whole(centre + support + 0.5), old)
    val shares = DoubleArray(end - first)
    var sum = 0.0
    for (n in 0 until end - first) {
        shares[n] = max(1 - abs((number(first + n) - centre + 0.5) * (1 / support)), 0.0)
        sum += shares[n]
    }
    val weights = IntArray(end - first)
    for (n in 0 until end - first) {
        weights[n] = whole(0.5 + shares[n] / sum * 2 * number(HALF))
    }
    return weights
}

/** Returns a sum without the bits behind the point, within 0 to 255. */
fun toByte(sum: Int): Int {
    return min(max(sum shr PRECISION_BITS, 0), 255)
}

/** Returns RGB of stored RGBA that is multiplied with its alpha already, laid over white. */
fun overWhite(rgba: IntArray): IntArray {
    val pixels = rgba.size / 4 // whole numbers
    val rgb = IntArray(pixels * 3)
    for (pixel in 0 until pixels) {
        for (channel in 0 until 3) {
            rgb[pixel * 3 + channel] = min(rgba[pixel * 4 + channel] + 255 - rgba[pixel * 4 + 3], 255)
        }
    }
    return rgb
}

/** Returns by how much a photograph's sides may be divided while it is decoded: inference/pictures/photo.py. */
fun reductionTo(width: Int, height: Int, toWidth: Int, toHeight: Int): Int {
    val across = width / max(2 * toWidth, 256) // whole numbers
    val down = height / max(2 * toHeight, 256) // whole numbers
    val most = min(across, down)
    if (most >= 8) {
        return 8
    }
    if (most >= 4) {
        return 4
    }
    if (most >= 2) {
        return 2
    }
    return 1
}

// What the languages write differently: the test has its own of these four.

/** Returns a number with the precision of 32 bits, as the runner keeps probabilities. */
fun single(value: Double): Double = value.toFloat().toDouble()

fun number(value: Int): Double = value.toDouble()

/** Returns a number without what stands behind its point. */
fun whole(value: Double): Int = value.toInt()

fun power(base: Double, exponent: Double): Double = base.pow(exponent)
