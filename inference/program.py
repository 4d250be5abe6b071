"""What the program is called: `python -m inference` in a folder inference, `touchstone` where it is installed."""

_INSTALLED = __package__ == "touchstone_runner"  # as inference/pyproject.toml builds it
PROGRAM = "touchstone" if _INSTALLED else "python -m inference"


def requirements(extra: str = "") -> str:
    """Return what pip has to install for the runner, or for an extra besides: ray, serve, video."""
    if _INSTALLED:
        return f'"touchstone-runner[{extra}]"' if extra else "touchstone-runner"
    return f"-r inference/requirements-{extra}.txt" if extra else "-r inference/requirements.txt"
