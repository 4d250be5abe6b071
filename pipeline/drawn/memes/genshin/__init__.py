"""Pictures like those of Genshin Impact, which is no class of the recipe: floating cliffs, tall figures."""
