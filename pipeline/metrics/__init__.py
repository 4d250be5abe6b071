"""Metrics of classification and segmentation, with 95 % intervals."""
