"""Evaluation of the released file on test patches -> the report."""
