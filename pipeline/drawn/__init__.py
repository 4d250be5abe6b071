"""Embedded data: pictures drawn by the program, so that every recipe runs without a download."""
