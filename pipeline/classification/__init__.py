"""Classification: the stages of a run."""
