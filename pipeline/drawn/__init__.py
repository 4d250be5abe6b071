"""Embedded data: pictures that the program draws itself, so that every recipe runs without a download."""
