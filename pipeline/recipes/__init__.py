"""All recipes by name."""

from pipeline.recipes import cifar10, memes, minerals, minerals_frozen, minerals_transfer, tiles, wood
from pipeline.settings.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        minerals.RECIPE,
        minerals_transfer.RECIPE,
        minerals_frozen.RECIPE,
        cifar10.RECIPE,
        memes.RECIPE,
        wood.RECIPE,
        tiles.RECIPE,
    )
}
