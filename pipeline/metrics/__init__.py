"""Figures with their 95 % intervals, of classes and of masks."""
