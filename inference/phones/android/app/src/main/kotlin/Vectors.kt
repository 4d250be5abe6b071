// Test vectors behind a network -> does it give the scores here that it gave when it was exported? inference/verify/.

package touchstone.phone

import kotlin.math.abs

private const val NAME = "vectors.npz"
private const val RUNS = 2 // a buffer that keeps what was in it is right the first time
private val COLUMNS = listOf(Triple("pictures", "|u1", 4), Triple("scores", "<f4", 2), Triple("tolerances", "<f8", 1))

/** pictures: RGB [side, side, 3]; scores: the network's probabilities for each, where it was exported. */
class Vectors(val pictures: List<IntArray>, val side: Int, val scores: List<DoubleArray>, val tolerance: Double)

/** Returns null for a file of an earlier version, which has none. */
fun readVectors(artefact: Artefact): Vectors? {
    val data = artefact.files[NAME] ?: return null
    val (pictures, scores, tolerances) = readArrays(data, COLUMNS, NAME)
    val (count, side, across, channels) = pictures.shape
    if (count == 0 || side != across || channels != 3 || scores.shape[0] != count) throw misfit(NAME)
    return Vectors(
        rowsOf(pictures.values, count).map { row -> IntArray(row.size) { row[it].toInt() } },
        side,
        rowsOf(scores.values, count),
        tolerances.values[0],
    )
}

/** Tells whether the network's scores are those of the export, the first and the second time. */
fun agrees(network: Network, vectors: Vectors): Boolean {
    repeat(RUNS) {
        for ((picture, expected) in vectors.pictures.zip(vectors.scores)) {
            val scores = network.look(enlarge(picture, vectors.side, network.height, network.width)).first
            if (scores.size != expected.size) return false
            if (scores.indices.any { !(abs(scores[it] - expected[it]) <= vectors.tolerance) }) return false // NaN too
        }
    }
    return true
}

private fun rowsOf(values: DoubleArray, count: Int): List<DoubleArray> {
    val length = values.size / count
    return List(count) { values.copyOfRange(it * length, (it + 1) * length) }
}
