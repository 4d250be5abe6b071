"""Files of boxes: the regions of photographs that are to be classified."""
