"""What a run is: its recipe, the rules that a recipe keeps, and its folder."""
