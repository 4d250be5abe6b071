"""A run that finds anomalies: its stages, memory bank, threshold and report."""
