// The bytes of a .tflite that names classes -> answers for pictures: inference/model/classifier.py.

package touchstone.phone

import kotlin.math.roundToLong

private const val DIGITS = 1e6 // six behind the point

/** What runs the flatbuffer; outputs: its numbers of labels and, where there is a second output, of features. */
interface Network {
    val height: Int
    val width: Int
    val outputs: List<Int>

    /** Returns probabilities [labels] and features [features] for RGB [height, width, 3], 0 to 255, unscaled. */
    fun look(pixels: IntArray): Pair<DoubleArray, DoubleArray>
}

/** confidence belongs to the best label even where that was rejected. */
data class Answer(val result: String, val confidence: Double)

class Classifier(data: ByteArray, load: (ByteArray) -> Network) {
    val card: Card
    private val network: Network
    private val neighbours: Neighbours?

    /** Throws InputError for a file that this app can't answer, or answers otherwise than where it was exported. */
    init {
        val artefact = splitArtefact(data)
        card = readCard(artefact)
        network = load(artefact.flatbuffer)
        if (network.height != card.height || network.width != card.width || network.outputs[0] != card.labels.size) {
            throw InputError("The model's card and network differ in size or labels. Export the model again.")
        }
        neighbours = readNeighbours(artefact, card, network.outputs)
        val vectors = readVectors(artefact)
        if (vectors != null && !agrees(network, vectors)) {
            throw InputError("The network gives other answers on this phone than where it was exported.")
        }
    }

    /** Answers for an upright picture: RGB [height, width, 3]. */
    fun classify(pixels: IntArray, width: Int, height: Int): Answer =
        answer(resize(pixels, width, height, card.width, card.height))

    /** Answers for RGB pixels at the network's size. */
    fun answer(pixels: IntArray): Answer {
        val (probabilities, features) = network.look(pixels)
        if (!probabilities.all { it.isFinite() }) throw InputError("The network overflows. Export the model again.")
        return decide(neighbours?.weigh(probabilities, features, card.answers) ?: probabilities, card)
    }
}

/** Answers by probabilities [labels]: inference/model/decide.py. */
fun decide(probabilities: DoubleArray, card: Card): Answer {
    val best = mostProbable(probabilities, card.answers)
    val confidence = probabilities[best].coerceIn(0.0, 1.0)
    val result = if (confidence >= card.threshold) card.labels[best] else UNKNOWN
    return Answer(result, (confidence * DIGITS).roundToLong() / DIGITS)
}
