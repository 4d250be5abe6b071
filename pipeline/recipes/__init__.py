"""All recipes by name."""

from pipeline.recipe import Recipe
from pipeline.recipes import minerals

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (minerals.RECIPE,)}
