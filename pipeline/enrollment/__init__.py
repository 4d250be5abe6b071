"""A model and a few pictures -> the model with an added class."""
