"""The value of a setting that names files."""

from pathlib import Path

from pipeline.settings.recipe import Recipe

NAMED_WEIGHTS = ("none", "imagenet", "package", "drawn")  # of network.weights; any other text names files
FOLD = "{fold}"  # in fit.teacher: the number of the fold of a cross-validation


def listed_paths(text: str) -> list[Path]:
    """Return the paths in a text with commas between them; a comma may also be part of the name of a single file."""
    return [Path(text)] if Path(text).is_file() else [Path(part.strip()) for part in text.split(",")]


def weights_files(recipe: Recipe) -> list[Path]:
    """Return the files that network.weights names."""
    weights = recipe.network.weights
    return [] if weights in NAMED_WEIGHTS else listed_paths(weights)


def teacher_files(recipe: Recipe) -> list[Path]:
    """Return the files of fit.teacher, with the recipe's fold in place of FOLD."""
    teacher = recipe.fit.teacher
    return listed_paths(teacher.replace(FOLD, str(recipe.split.fold))) if teacher else []
