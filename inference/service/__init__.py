"""The HTTP service: `python -m inference serve MODEL`."""
