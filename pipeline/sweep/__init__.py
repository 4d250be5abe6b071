"""`sweep`: settings are varied, and measured on validation folds."""
