"""Who is in drawn memes."""
