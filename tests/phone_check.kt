// The app's classifier over a network whose outputs are given: it prints one answer a picture, or why it refuses.

import java.io.File
import java.util.Base64
import org.json.JSONArray
import org.json.JSONObject
import touchstone.phone.Classifier
import touchstone.phone.InputError
import touchstone.phone.Network

private class Replay(job: JSONObject) : Network {
    override val height = job.getInt("height")
    override val width = job.getInt("width")
    override val outputs = numbersOf(job.getJSONArray("outputs")).map { it.toInt() }
    private val looks = objectsOf(job.getJSONArray("looks")).associateBy { it.getString("pixels") }

    override fun look(pixels: IntArray): Pair<DoubleArray, DoubleArray> {
        val key = Base64.getEncoder().encodeToString(ByteArray(pixels.size) { pixels[it].toByte() })
        val look = looks[key] ?: error("these pixels never reach the runner's network")
        return Pair(numbersOf(look.getJSONArray("probabilities")), numbersOf(look.getJSONArray("features")))
    }
}

private fun objectsOf(list: JSONArray) = List(list.length()) { list.getJSONObject(it) }

private fun numbersOf(list: JSONArray) = DoubleArray(list.length()) { list.getDouble(it) }

fun main(arguments: Array<String>) {
    val job = JSONObject(File(arguments[1]).readText())
    try {
        val classifier = Classifier(File(arguments[0]).readBytes()) { Replay(job) }
        for (picture in objectsOf(job.getJSONArray("pictures"))) {
            val bytes = Base64.getDecoder().decode(picture.getString("pixels"))
            val pixels = IntArray(bytes.size) { bytes[it].toInt() and 0xff }
            val answer = classifier.classify(pixels, picture.getInt("width"), picture.getInt("height"))
            println("${answer.confidence} ${answer.result}")
        }
    } catch (fault: InputError) {
        println("refused: ${fault.message}")
    }
}
