"""Drawn photographs of seven minerals, with their boxes."""
