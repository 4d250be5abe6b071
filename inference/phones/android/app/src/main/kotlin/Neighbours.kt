// The similarity of a picture to training pictures, by which its confidence falls: inference/model/neighbours.py.

package touchstone.phone

private const val NAME = "neighbours.npz"
private val COLUMNS = listOf(
    Triple("projection", "<f2", 2), // [features, dimensions]
    Triple("vectors", "|i1", 2), // [pictures, dimensions]
    Triple("classes", "<u2", 1),
    Triple("scale", "<f8", 1), // count, middle, width, slope, offset
)

class Neighbours(
    private val projection: DoubleArray,
    private val vectors: DoubleArray,
    private val dimensions: Int,
    private val scale: DoubleArray,
) {
    /** Returns probabilities of which the best answer's is the confidence. */
    fun weigh(probabilities: DoubleArray, features: DoubleArray, answers: IntArray): DoubleArray {
        val best = mostProbable(probabilities, answers)
        val cosine = nthCosine(
            project(features, projection, dimensions), vectors, vectors.size / dimensions, scale[0].toInt(),
        )
        val knnScore = (cosine - scale[1]) / scale[2]
        return weigh(probabilities, best, confidenceOf(probabilities[best], knnScore, scale[3], scale[4]))
    }
}

/** Returns null where the model has none; outputs: the network's numbers of labels and features. */
fun readNeighbours(artefact: Artefact, card: Card, outputs: List<Int>): Neighbours? {
    val data = artefact.files[NAME]
    if (data == null && card.decision == "softmax") return null
    if (data == null || outputs.size < 2) throw misfit(NAME)
    val (projection, vectors, classes, scale) = readArrays(data, COLUMNS, NAME)
    val (pictures, dimensions) = vectors.shape
    val numbers = scale.values
    val fits = numbers.size == 5 && pictures > 0 && classes.values.size == pictures &&
        projection.shape == listOf(outputs[1], dimensions) && classes.values.all { it < outputs[0] } &&
        numbers[0] >= 1 && numbers[0] <= pictures && numbers[2] > 0 && numbers[3] > 0
    if (!fits) throw misfit(NAME)
    val unit = DoubleArray(vectors.values.size)
    for (row in 0 until pictures) {
        unitVector(vectors.values, row * dimensions, dimensions).copyInto(unit, row * dimensions)
    }
    return Neighbours(projection.values, unit, dimensions, numbers)
}
