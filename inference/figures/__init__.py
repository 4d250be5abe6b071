"""Measured figures of a model: estimates with intervals, and sentences about them."""
