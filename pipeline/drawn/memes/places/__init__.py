"""Where drawn memes take place."""
