"""Sanity checks of a finished run: did it learn, and from what?"""
