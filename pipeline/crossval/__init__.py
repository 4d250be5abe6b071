"""A recipe on every fold of the photographs, and the figures of all folds together."""
