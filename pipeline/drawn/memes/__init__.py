"""The drawn memes: three styles of game pictures, and the captions, borders and wear that memes get."""
