"""All recipes by name."""

from pipeline.recipe import Recipe
from pipeline.recipes import cifar10, memes, minerals, minerals_transfer, wood

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (minerals.RECIPE, minerals_transfer.RECIPE, cifar10.RECIPE, memes.RECIPE, wood.RECIPE)
}
