"""A finished run -> did it learn what it should?"""
