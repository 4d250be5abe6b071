"""Annotation files -> boxes of photographs."""
