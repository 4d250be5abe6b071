"""Validation patches -> temperature, reject threshold and other parameters of the decision."""
