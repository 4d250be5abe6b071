"""Models that are not ours: what a .tflite of others says of itself, checked before an interpreter sees it."""
