// A picture's address -> its upright RGB pixels over white, by the rules of inference/pictures/image_io.py.

package touchstone.phone

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.ImageDecoder
import android.net.Uri
import java.nio.ByteBuffer

/** pixels: RGB [height, width, 3]. bitmap: the same, to be shown. */
class Picture(val pixels: IntArray, val width: Int, val height: Int, val bitmap: Bitmap)

/** ImageDecoder turns a photograph upright by its EXIF entry; a large one is decoded at a reduced size, as the runner does. */
fun decodePicture(resolver: ContentResolver, address: Uri, card: Card): Picture {
    val bitmap = ImageDecoder.decodeBitmap(ImageDecoder.createSource(resolver, address)) { decoder, info, _ ->
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
        decoder.setTargetSampleSize(reductionTo(info.size.width, info.size.height, card.width, card.height))
    }
    val plain = if (bitmap.config == Bitmap.Config.ARGB_8888) bitmap else bitmap.copy(Bitmap.Config.ARGB_8888, false)
    val bytes = ByteBuffer.allocate(plain.byteCount)
    plain.copyPixelsToBuffer(bytes) // as they are stored, without a conversion of colours: red, green, blue, alpha
    val stride = plain.rowBytes
    val rgba = IntArray(plain.width * plain.height * 4) {
        bytes.array()[it / (plain.width * 4) * stride + it % (plain.width * 4)].toInt() and 0xff
    }
    return Picture(overWhite(rgba), plain.width, plain.height, plain)
}
