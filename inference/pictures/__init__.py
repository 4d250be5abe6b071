"""What was given -> decoded pictures and regions of them."""
