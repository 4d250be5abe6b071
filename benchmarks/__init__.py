"""Measurements on the caller's data; no test depends on them."""
