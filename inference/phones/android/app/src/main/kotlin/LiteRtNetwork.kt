// A flatbuffer -> a function from pixels to probabilities, by LiteRT's Interpreter.

package touchstone.phone

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter

class LiteRtNetwork(flatbuffer: ByteArray) : Network {
    private val interpreter = Interpreter(
        ByteBuffer.allocateDirect(flatbuffer.size).order(ByteOrder.nativeOrder()).apply { put(flatbuffer).rewind() },
        Interpreter.Options().setNumThreads(1), // a picture takes these networks a millisecond or two
    )
    private val shape = interpreter.getInputTensor(0).shape() // [1, height, width, 3]
    private val input = ByteBuffer.allocateDirect(shape[1] * shape[2] * 3).order(ByteOrder.nativeOrder())

    override val height = shape[1]
    override val width = shape[2]
    override val outputs = List(interpreter.outputTensorCount) { interpreter.getOutputTensor(it).shape()[1] }

    override fun look(pixels: IntArray): Pair<DoubleArray, DoubleArray> {
        input.rewind()
        pixels.forEach { input.put(it.toByte()) } // uint8: red, green, blue
        input.rewind()
        val found = outputs.map { arrayOf(FloatArray(it)) }
        interpreter.runForMultipleInputsOutputs(arrayOf<Any>(input), found.withIndex().associate { (n, one) -> n to one })
        return Pair(numbersOf(found[0]), found.getOrNull(1)?.let(::numbersOf) ?: DoubleArray(0))
    }

    private fun numbersOf(output: Array<FloatArray>) = DoubleArray(output[0].size) { output[0][it].toDouble() }
}
