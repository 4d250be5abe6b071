"""Anomaly detection: the stages of a run, the memory bank, the threshold and the report."""
