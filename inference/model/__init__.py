"""A .tflite file -> a loaded model, and its answers."""
