"""Measurements on data that the caller names; no test depends on them."""
