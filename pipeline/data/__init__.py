"""What a user names, or drawn pictures -> patches, their index and tf.data."""
