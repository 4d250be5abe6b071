"""All recipes by name."""

from pipeline.recipes import (
    cifar10,
    folders,
    memes,
    minerals,
    minerals_frozen,
    minerals_transfer,
    photos,
    tiles,
    wood,
)
from pipeline.settings.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    one.RECIPE.name: one.RECIPE
    for one in (photos, folders, minerals, minerals_transfer, minerals_frozen, cifar10, memes, wood, tiles)
}
