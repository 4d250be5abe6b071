"""A video or a camera: frames, what moves in them, and its answers."""
