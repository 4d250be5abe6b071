"""A run that learns classes."""
