// card.json -> what the app must know of a model, checked as inference/model/card.py does.

package touchstone.phone

import java.security.MessageDigest
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

const val UNKNOWN = "unknown"
private const val NAME = "card.json"
private const val FORMAT = 1
private const val AGAIN = "Export the model again."

/** answers: numbers of the labels that an answer can give. The temperature is part of the network. */
class Card(
    val labels: List<String>,
    val answers: IntArray,
    val height: Int,
    val width: Int,
    val decision: String,
    val threshold: Double,
)

/** A model's file taken apart; files: what is packed behind the flatbuffer, by name. */
class Artefact(val flatbuffer: ByteArray, val files: Map<String, ByteArray>)

fun splitArtefact(data: ByteArray): Artefact {
    if (data.size < 8 || String(data, 4, 4, Charsets.ISO_8859_1) != "TFL3") {
        throw InputError("This is no TFLite model. Give the .tflite file that export wrote.")
    }
    val zip = readZip(data) ?: return Artefact(data, emptyMap())
    return Artefact(data.copyOf(zip.start), zip.files)
}

fun readCard(artefact: Artefact): Card {
    val data = artefact.files[NAME] ?: throw InputError("The model carries no $NAME. Give a .tflite that export wrote.")
    try {
        val values = JSONObject(String(data, Charsets.UTF_8))
        checkKind(values)
        val card = cardOf(values)
        checkValues(card, values)
        if (sha256(artefact.flatbuffer) != values.getString("flatbuffer_sha256")) {
            throw InputError("The model's card belongs to another network. $AGAIN")
        }
        return card
    } catch (fault: JSONException) {
        throw InputError("$NAME is damaged: ${fault.message}. $AGAIN")
    }
}

/** Refuses what this app can't answer. */
private fun checkKind(values: JSONObject) {
    if (values.optInt("format") != FORMAT) throw InputError("$NAME must have format $FORMAT. Update the app.")
    val decision = values.getString("decision")
    if (decision == "anomaly") {
        throw InputError("This model finds anomalies; this app names classes. Use the page: serve MODEL, docs/phone.md.")
    }
    if (decision !in listOf("softmax", "neighbours")) throw InputError("Unknown decision: $decision. Update the app.")
    if ((values.optJSONArray("enrolled") ?: JSONArray()).length() > 0) {
        throw InputError("Classes were added to this model by enroll, which this app can't answer. Use the page, or train.")
    }
    if (values.optString("resize", "stretch") != "stretch") throw InputError("$NAME: resize must be stretch. $AGAIN")
}

private fun cardOf(values: JSONObject): Card {
    val labels = textsOf(values.getJSONArray("labels"))
    val rejected = textsOf(values.getJSONArray("reject_labels"))
    val size = values.getJSONArray("input_size")
    return Card(
        labels,
        labels.indices.filter { labels[it] !in rejected }.toIntArray(),
        size.getInt(0),
        size.getInt(1),
        values.getString("decision"),
        values.getDouble("threshold"),
    )
}

private fun checkValues(card: Card, values: JSONObject) {
    val rejected = textsOf(values.getJSONArray("reject_labels"))
    val fine = card.labels.toSet().size == card.labels.size && card.labels.containsAll(rejected) &&
        card.answers.isNotEmpty() && (UNKNOWN in rejected || UNKNOWN !in card.labels) &&
        card.height > 0 && card.width > 0 && card.threshold in 0.0..1.0
    if (!fine) throw InputError("$NAME: labels, input_size or threshold can't be right. $AGAIN")
}

private fun textsOf(list: JSONArray): List<String> = List(list.length()) { list.getString(it) }

private fun sha256(data: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(data).joinToString("") { "%02x".format(it) }
