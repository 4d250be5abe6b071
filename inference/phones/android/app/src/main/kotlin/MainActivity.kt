// The only screen: a button, the chosen picture, and its answer. Pictures never leave the phone.

package touchstone.phone

import android.net.Uri
import android.os.Bundle
import android.view.Gravity
import android.widget.Button
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.LinearLayout.LayoutParams
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts
import java.io.IOException
import java.util.concurrent.Executors

private const val MODEL = "model.tflite" // in app/src/main/assets
private const val PADDING = 48 // pixels

class MainActivity : ComponentActivity() {
    private val worker = Executors.newSingleThreadExecutor() // LiteRT's interpreter serves one thread
    private val picker = registerForActivityResult(ActivityResultContracts.GetContent()) { it?.let(::classify) }
    private var classifier: Classifier? = null
    private lateinit var button: Button
    private lateinit var image: ImageView
    private lateinit var words: TextView

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        showScreen()
        inBackground("loading the model ...") {
            classifier = Classifier(assets.open(MODEL).use { it.readBytes() }, ::LiteRtNetwork)
            runOnUiThread { button.isEnabled = true }
            "Choose a picture of one of: " + classifier!!.card.run { answers.joinToString(", ") { labels[it] } }
        }
    }

    override fun onDestroy() {
        worker.shutdown()
        super.onDestroy()
    }

    private fun classify(address: Uri) = inBackground("looking ...") {
        val model = classifier ?: throw InputError("There is no model.")
        val picture = decodePicture(contentResolver, address, model.card)
        runOnUiThread { image.setImageBitmap(picture.bitmap) }
        val answer = model.classify(picture.pixels, picture.width, picture.height)
        "%s  %.0f %%".format(answer.result, 100 * answer.confidence)
    }

    /** Shows words while something is computed, then what it returns, or what was wrong. */
    private fun inBackground(waiting: String, compute: () -> String) {
        words.text = waiting
        worker.execute {
            val said = try {
                compute()
            } catch (fault: InputError) {
                fault.message
            } catch (fault: IOException) { // ImageDecoder's, and of a model that is missing
                "It can't be read: ${fault.message}"
            }
            runOnUiThread { words.text = said }
        }
    }

    private fun showScreen() {
        button = Button(this).apply {
            text = "Choose a picture"
            isEnabled = false
            setOnClickListener { picker.launch("image/*") }
        }
        image = ImageView(this)
        words = TextView(this).apply { textSize = 24f }
        setContentView(
            LinearLayout(this).apply {
                orientation = LinearLayout.VERTICAL
                gravity = Gravity.CENTER_HORIZONTAL
                setPadding(PADDING, PADDING, PADDING, PADDING)
                addView(button)
                addView(image, LayoutParams(LayoutParams.MATCH_PARENT, 0, 1f))
                addView(words)
            },
        )
    }
}
