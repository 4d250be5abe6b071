"""Training with a teacher: what it answers to the training pictures, and what it sees in them."""
