"""The recipe of a run, its rules, and the run's folder."""
