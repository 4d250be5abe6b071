"""What the notebooks need besides the program: a folder of their own, commands, and pictures in their pages."""
