"""Index and recipe -> best.keras and history.csv."""
