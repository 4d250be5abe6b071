"""A user's data, or drawn pictures -> patches, their index and tf.data."""
