"""The verbs of `python -m pipeline`."""
