"""Classes that are added to a finished model by a few pictures of each, and removed again."""
