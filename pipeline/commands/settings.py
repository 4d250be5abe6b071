"""`python -m pipeline settings RECIPE`: every setting of a recipe, with its value, meaning and range."""

import argparse

from pipeline.recipes import RECIPES
from pipeline.settings.documentation import describe_settings
from pipeline.settings.recipe import override_all


def print_settings(options: argparse.Namespace) -> int:
    """Print the settings that the recipe's kind uses, with the user's changes."""
    print("\n".join(describe_settings(override_all(RECIPES[options.recipe], options.set))))
    return 0
