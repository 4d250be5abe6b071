"""`python -m pipeline settings RECIPE`: every setting of a recipe, with its value, meaning and range."""

import argparse

from pipeline.run_options import read_recipe
from pipeline.settings.documentation import describe_settings


def print_settings(options: argparse.Namespace) -> int:
    """Print the settings that a run with the same options would have."""
    print("\n".join(describe_settings(read_recipe(options))))
    return 0
