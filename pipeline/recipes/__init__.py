"""All recipes by name."""

from pipeline.recipe import Recipe
from pipeline.recipes import minerals, minerals_transfer

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (minerals.RECIPE, minerals_transfer.RECIPE)}
