"""`python -m pipeline settings RECIPE`: every setting of a recipe, with its value, meaning and range."""

from pipeline.settings.documentation import describe_settings
from pipeline.settings.recipe import Recipe


def print_settings(recipe: Recipe) -> None:
    """Print the settings that the recipe's kind uses."""
    print("\n".join(describe_settings(recipe)))
