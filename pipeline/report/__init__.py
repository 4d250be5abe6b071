"""Measured figures -> report.json and report.html."""
