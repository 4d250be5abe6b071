"""What was measured -> report.json and report.html."""
