"""Reserved labels."""

BACKGROUND = "background"  # the label of negative patches, which show none of the classes
