// Numbers of a network -> confidence and answer, and pixels -> the network's size: all the arithmetic of the runner.
//
// Plain functions of numbers and arrays, in so few kinds of statements that tests/test_phones.py turns them into Python,
// line by line, and compares them with the runner. "// whole numbers": its divisions are of whole numbers.

import Foundation

let tiny = 1e-12
let precisionBits = 22
let half = 2_097_152 // 2 to the power of precisionBits - 1

/// Returns 1 / (1 + exp(-value)), without overflow: inference/model/logistic.py.
func logistic(_ value: Double) -> Double {
    return 1 / (1 + exp(-min(max(value, -60), 60)))
}

/// Returns a number of 16 bits, IEEE 754: one bit for the sign, five for the exponent, ten for the fraction.
func halfToNumber(_ bits: Int) -> Double {
    let exponent = bits / 1024 % 32 // whole numbers
    let fraction = number(bits % 1024) / 1024
    var value = fraction * power(2, -14)
    if exponent > 0 {
        value = (1 + fraction) * power(2, number(exponent) - 15)
    }
    if bits >= 32768 {
        value = -value
    }
    return value
}

/// Returns the values from a place on, scaled to length 1; values of length 0 stay.
func unitVector(_ values: [Double], _ start: Int, _ count: Int) -> [Double] {
    var scaled = [Double](repeating: 0, count: count)
    var sum = 0.0
    for n in 0..<count {
        sum += values[start + n] * values[start + n]
    }
    let length = max(sqrt(sum), tiny)
    for n in 0..<count {
        scaled[n] = values[start + n] / length
    }
    return scaled
}

/// Returns features [features] in fewer numbers, of length 1; projection: [features, dimensions].
func project(_ features: [Double], _ projection: [Double], _ dimensions: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: dimensions)
    for row in 0..<features.count {
        for n in 0..<dimensions {
            sums[n] += features[row] * projection[row * dimensions + n]
        }
    }
    return unitVector(sums, 0, dimensions)
}

/// Returns the cosine of a vector to the count-th nearest of others [rows, dimensions]; all of length 1.
func nthCosine(_ vector: [Double], _ others: [Double], _ rows: Int, _ count: Int) -> Double {
    var cosines = [Double](repeating: 0, count: rows)
    for row in 0..<rows {
        var sum = 0.0
        for n in 0..<vector.count {
            sum += vector[n] * others[row * vector.count + n]
        }
        cosines[row] = sum
    }
    cosines.sort()
    return cosines[rows - count]
}

/// Returns the confidence of the best answer: its probability, weighed by the similarity to training pictures.
func confidenceOf(_ best: Double, _ knnScore: Double, _ slope: Double, _ offset: Double) -> Double {
    let counts = min(max(best * logistic(knnScore), tiny), 1 - 1e-7)
    return logistic(slope * log(counts / (1 - counts)) + offset)
}

/// Returns the number of the most probable answer; answers: numbers of the labels that are no reject labels.
func mostProbable(_ probabilities: [Double], _ answers: [Int]) -> Int {
    var best = answers[0]
    for n in 0..<answers.count {
        if probabilities[answers[n]] > probabilities[best] {
            best = answers[n]
        }
    }
    return best
}

/// Returns probabilities of which the best answer's is the confidence: Neighbours.weigh of the runner.
func weigh(_ probabilities: [Double], _ best: Int, _ confidence: Double) -> [Double] {
    let before = probabilities[best]
    var factor = (1 - confidence) / max(1 - before, tiny)
    if confidence <= before {
        factor = confidence / max(before, tiny)
    }
    var weighed = [Double](repeating: 0, count: probabilities.count)
    for n in 0..<probabilities.count {
        weighed[n] = single(min(max(probabilities[n] * factor, 0), 1))
    }
    weighed[best] = single(confidence)
    return weighed
}

/// Returns RGB [height, width, 3] of a small square picture by its nearest pixels: how test vectors are enlarged.
func enlarge(_ picture: [Int], _ side: Int, _ height: Int, _ width: Int) -> [Int] {
    var large = [Int](repeating: 0, count: height * width * 3)
    for row in 0..<height {
        for column in 0..<width {
            let source = (row * side / height * side + column * side / width) * 3 // whole numbers
            let target = (row * width + column) * 3
            for channel in 0..<3 {
                large[target + channel] = picture[source + channel]
            }
        }
    }
    return large
}

/// Returns RGB [height, width, 3] at the network's size, by Pillow's antialiased BILINEAR; pixels: RGB.
func resize(_ pixels: [Int], _ width: Int, _ height: Int, _ toWidth: Int, _ toHeight: Int) -> [Int] {
    if height > toHeight && height - toHeight > 2 * (width - toWidth) {
        return resizeAcross(resizeDown(pixels, width, height, toHeight), width, toHeight, toWidth)
    }
    return resizeDown(resizeAcross(pixels, width, height, toWidth), toWidth, height, toHeight)
}

/// Returns rows of another length.
func resizeAcross(_ pixels: [Int], _ width: Int, _ height: Int, _ toWidth: Int) -> [Int] {
    var result = [Int](repeating: 0, count: height * toWidth * 3)
    for column in 0..<toWidth {
        let first = firstOf(width, toWidth, column)
        let weights = weightsOf(width, toWidth, column)
        for row in 0..<height {
            for channel in 0..<3 {
                var sum = half
                for n in 0..<weights.count {
                    sum += pixels[(row * width + first + n) * 3 + channel] * weights[n]
                }
                result[(row * toWidth + column) * 3 + channel] = toByte(sum)
            }
        }
    }
    return result
}

/// Returns another number of rows.
func resizeDown(_ pixels: [Int], _ width: Int, _ height: Int, _ toHeight: Int) -> [Int] {
    var result = [Int](repeating: 0, count: toHeight * width * 3)
    for row in 0..<toHeight {
        let first = firstOf(height, toHeight, row)
        let weights = weightsOf(height, toHeight, row)
        for place in 0..<(width * 3) {
            var sum = half
            for n in 0..<weights.count {
                sum += pixels[(first + n) * width * 3 + place] * weights[n]
            }
            result[row * width * 3 + place] = toByte(sum)
        }
    }
    return result
}

/// Returns the first old pixel that counts for a new one.
func firstOf(_ old: Int, _ new: Int, _ place: Int) -> Int {
    let scale = number(old) / number(new)
    return max(whole((number(place) + 0.5) * scale - max(scale, 1.0) + 0.5), 0)
}

/// Returns the weights of the old pixels for a new one, from the first on, with precisionBits behind the point.
func weightsOf(_ old: Int, _ new: Int, _ place: Int) -> [Int] {
    let scale = number(old) / number(new)
    let support = max(scale, 1.0)
    let centre = (number(place) + 0.5) * scale
    let first = firstOf(old, new, place)
    let end = min(whole(centre + support + 0.5), old)
    var shares = [Double](repeating: 0, count: end - first)
    var sum = 0.0
    for n in 0..<(end - first) {
        shares[n] = max(1 - abs((number(first + n) - centre + 0.5) * (1 / support)), 0)
        sum += shares[n]
    }
    var weights = [Int](repeating: 0, count: end - first)
    for n in 0..<(end - first) {
        weights[n] = whole(0.5 + shares[n] / sum * 2 * number(half))
    }
    return weights
}

/// Returns a sum without the bits behind the point, within 0 to 255.
func toByte(_ sum: Int) -> Int {
    return min(max(sum >> precisionBits, 0), 255)
}

/// Returns RGB of stored RGBA that is multiplied with its alpha already, laid over white.
func overWhite(_ rgba: [Int]) -> [Int] {
    let pixels = rgba.count / 4 // whole numbers
    var rgb = [Int](repeating: 0, count: pixels * 3)
    for pixel in 0..<pixels {
        for channel in 0..<3 {
            rgb[pixel * 3 + channel] = min(rgba[pixel * 4 + channel] + 255 - rgba[pixel * 4 + 3], 255)
        }
    }
    return rgb
}

/// Returns RGB of stored pixels that EXIF's orientation turns upright; width and height: of the stored pixels.
func upright(_ pixels: [Int], _ width: Int, _ height: Int, _ orientation: Int) -> [Int] {
    var result = [Int](repeating: 0, count: width * height * 3)
    for row in 0..<height {
        for column in 0..<width {
            var newRow = row
            var newColumn = column
            if orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7 {
                newRow = height - 1 - row
            }
            if orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8 {
                newColumn = width - 1 - column
            }
            var to = newRow * width + newColumn
            if orientation >= 5 {
                to = newColumn * height + newRow
            }
            for channel in 0..<3 {
                result[to * 3 + channel] = pixels[(row * width + column) * 3 + channel]
            }
        }
    }
    return result
}

/// Returns by how much a photograph's sides may be divided while it is decoded: inference/pictures/photo.py.
func reductionTo(_ width: Int, _ height: Int, _ toWidth: Int, _ toHeight: Int) -> Int {
    let across = width / max(2 * toWidth, 256) // whole numbers
    let down = height / max(2 * toHeight, 256) // whole numbers
    let most = min(across, down)
    if most >= 8 {
        return 8
    }
    if most >= 4 {
        return 4
    }
    if most >= 2 {
        return 2
    }
    return 1
}

// What the languages write differently: the test has its own of these four.

/// Returns a number with the precision of 32 bits, as the runner keeps probabilities.
func single(_ value: Double) -> Double { Double(Float(value)) }

func number(_ value: Int) -> Double { Double(value) }

/// Returns a number without what stands behind its point.
func whole(_ value: Double) -> Int { Int(value) }

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
