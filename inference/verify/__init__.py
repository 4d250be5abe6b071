"""Does a model give the answers here that it gave when it was exported? Test vectors in its file, and their check."""
