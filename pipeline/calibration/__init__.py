"""Validation patches -> temperature, reject threshold and what else a decision needs."""
