"""Cross-validation: a run per fold, and the pooled figures."""
