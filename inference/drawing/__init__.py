"""Answers to look at: previews, contact sheets, a window."""
