// The bytes of a .npz packed behind a network -> its arrays: inference/web/src/formats/npy.js and array_file.js.

package touchstone.phone

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** values: row by row. */
class NpyArray(val dtype: String, val shape: List<Int>, val values: DoubleArray)

private val BYTES = mapOf("<f2" to 2, "<f4" to 4, "<f8" to 8, "|i1" to 1, "|u1" to 1, "<u2" to 2)

/** Returns the arrays of a .npz in the order of columns: name, type and number of dimensions. */
fun readArrays(data: ByteArray, columns: List<Triple<String, String, Int>>, file: String): List<NpyArray> {
    val packed = readZip(data)?.files ?: throw InputError("$file is damaged: it is no .npz. Export the model again.")
    return columns.map { (name, dtype, dimensions) ->
        val array = readNpy(packed["$name.npy"] ?: throw misfit(file), file)
        if (array.dtype != dtype || array.shape.size != dimensions || array.values.any { !it.isFinite() }) throw misfit(file)
        array
    }
}

fun misfit(file: String) = InputError("$file does not fit the network. Export the model again.")

private fun readNpy(data: ByteArray, file: String): NpyArray {
    val view = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
    if (data.size < 12) throw misfit(file)
    val isLong = data[6] > 1 // version 2 has four bytes for the header's length
    val begin = if (isLong) 12 else 10
    val end = begin + if (isLong) view.getInt(8) else view.getShort(8).toInt() and 0xffff
    if (end < begin || end > data.size) throw misfit(file)
    val header = String(data, begin, end - begin, Charsets.ISO_8859_1)
    val dtype = Regex("'descr': '([^']+)'").find(header)?.groupValues?.get(1) ?: ""
    val sides = Regex("'shape': \\(([^)]*)\\)").find(header)?.groupValues?.get(1) ?: ""
    val shape = sides.split(",").filter { it.isNotBlank() }.map { it.trim().toInt() }
    val count = shape.fold(1) { product, side -> product * side }
    val bytes = BYTES[dtype] ?: throw misfit(file)
    if (data.size - end != count * bytes) throw misfit(file)
    val values = DoubleArray(count) { read(view, end + it * bytes, dtype) }
    val byColumns = "'fortran_order': True" in header && shape.size > 1
    if (byColumns && shape.size > 2) throw misfit(file)
    return NpyArray(dtype, shape, if (byColumns) byRows(values, shape[0], shape[1]) else values)
}

private fun read(view: ByteBuffer, place: Int, dtype: String): Double = when (dtype) {
    "<f2" -> halfToNumber(view.getShort(place).toInt() and 0xffff)
    "<f4" -> view.getFloat(place).toDouble()
    "<f8" -> view.getDouble(place)
    "|i1" -> view.get(place).toDouble()
    "|u1" -> (view.get(place).toInt() and 0xff).toDouble()
    else -> (view.getShort(place).toInt() and 0xffff).toDouble()
}

private fun byRows(values: DoubleArray, rows: Int, columns: Int): DoubleArray =
    DoubleArray(values.size) { values[it % columns * rows + it / columns] }
