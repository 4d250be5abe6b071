"""A model and a few pictures -> the model with one class more."""
