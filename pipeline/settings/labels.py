"""Labels with a meaning of their own."""

BACKGROUND = "background"  # of negative patches: they show none of the classes
