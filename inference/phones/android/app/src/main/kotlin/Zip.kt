// A zip, perhaps behind other bytes -> its files: inference/web/src/formats/zip.js. Its entries are stored.

package touchstone.phone

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32

private const val END = 0x06054b50
private const val ENTRY = 0x02014b50
private const val LOCAL = 0x04034b50
private const val END_BYTES = 22
private const val LONGEST_COMMENT = 0xffff

/** What the user can do something about. */
class InputError(message: String) : Exception(message)

/** start: of the first entry, in the bytes that the zip was read from. */
class Zip(val start: Int, val files: Map<String, ByteArray>)

/** Returns null where there is no zip. */
fun readZip(data: ByteArray): Zip? {
    val view = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
    val last = data.size - END_BYTES
    val end = (last downTo maxOf(0, last - LONGEST_COMMENT)).firstOrNull { view.getInt(it) == END } ?: return null
    try {
        return readEntries(data, view, end)
    } catch (fault: IndexOutOfBoundsException) {
        throw damaged("it points outside the file")
    }
}

private fun readEntries(data: ByteArray, view: ByteBuffer, end: Int): Zip {
    var place = end - view.getInt(end + 12) // the directory lies right before its end
    val shift = place - view.getInt(end + 16) // bytes before the zip that its offsets do not count
    val files = mutableMapOf<String, ByteArray>()
    var start = data.size
    repeat(short(view, end + 10)) {
        if (view.getInt(place) != ENTRY) throw damaged("its directory is broken")
        val local = view.getInt(place + 42) + shift
        val nameBytes = short(view, place + 28)
        val name = String(data, place + 46, nameBytes, Charsets.UTF_8)
        files[name] = readStored(data, view, place, local, name)
        start = minOf(start, local)
        place += 46 + nameBytes + short(view, place + 30) + short(view, place + 32)
    }
    return Zip(start, files)
}

private fun readStored(data: ByteArray, view: ByteBuffer, entry: Int, local: Int, name: String): ByteArray {
    if (view.getInt(local) != LOCAL) throw damaged("$name is missing")
    if (short(view, entry + 10) != 0) throw damaged("$name is compressed")
    val first = local + 30 + short(view, local + 26) + short(view, local + 28)
    val size = view.getInt(entry + 24)
    if (size < 0 || size > data.size - first) throw damaged("$name is cut off")
    val content = data.copyOfRange(first, first + size)
    if (CRC32().apply { update(content) }.value.toInt() != view.getInt(entry + 16)) throw damaged("$name has changed")
    return content
}

private fun short(view: ByteBuffer, place: Int): Int = view.getShort(place).toInt() and 0xffff

private fun damaged(why: String) =
    InputError("The files packed in the model are damaged: $why. Copy or export the model again.")
