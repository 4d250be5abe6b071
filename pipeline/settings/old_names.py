"""Earlier names of settings, for recipe.json of finished runs and for existing commands."""

import sys
from typing import Any

from inference.errors import InputError

RENAMED = {
    "source.scenes": "source.count",
    "anomaly.relative": "anomaly.normalize_by_median",
    "anomaly.trimmed": "anomaly.trim_fraction",
    "anomaly.bank": "anomaly.coreset_size",
    "anomaly.alarms": "anomaly.false_positive_rate",
    "anomaly.even_light": "anomaly.local_contrast",
}
# Removed settings, with the values that had no effect; None: any value.
REMOVED: dict[str, Any] = {"anomaly.teach_steps": 0, "anomaly.teach_rate": None, "anomaly.centred": False}
# Settings that earlier versions lacked, with the value that describes what their runs did.
ADDED: dict[str, dict[str, Any]] = {
    "calibrate": {"decision": "softmax", "risk": 0.0, "dimensions": 128},
    "augment": {"white_balance": 0.0, "blur": 0.0, "noise": 0.0, "jpeg": 0.0},
    "fit": {
        "average": 0.0,
        "head": "gradient",
        "teacher_views": 0,
        "teacher_features": 0.0,
        "teacher_epochs": 0,
        "teacher_windows": 24,
        "teacher_learning_rate": 3e-3,
        "tensorboard": False,
        "early_side": 0,
        "early_share": 0.5,
    },
    "export": {"flips": "none", "max_unknown_change": 1.0},
    "source": {"anomalies": "none"},
    "split": {"validation_folds": 0, "validation_fold": 0},
    "anomaly": {"prevalence": "rare", "colour": False},
}
_SELF_SUPERVISED = "anomaly.method", "taught"


def current_name(setting: str) -> str:
    """Return a setting's current name; print it to stderr if the given name is an earlier one.

    Raises:
        InputError: the setting was removed.
    """
    if setting in REMOVED:
        raise InputError(f"the setting {setting} was removed, since no recipe used it. Leave it out.")
    if setting in RENAMED:
        print(f"{setting} is now named {RENAMED[setting]}", file=sys.stderr)
    return RENAMED.get(setting, setting)


def renew_recipe(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a recipe.json under their current names.

    Raises:
        InputError: the run used a removed setting.
    """
    kind = "anomaly" if values.get("anomaly") else "classification"
    renewed = {"kind": kind, "pretrained": [], "search": []} | {
        section: _renew_section(section, entries) if isinstance(entries, dict) else entries
        for section, entries in values.items()
    }
    for name in {"smoke", "embedded", "pretrained", "search"} & set(values):
        renewed[name] = [[RENAMED.get(setting, setting), text] for setting, text in values[name]]
    return renewed


def _renew_section(section: str, entries: dict[str, Any]) -> dict[str, Any]:
    renewed = dict(ADDED.get(section, {}))
    for name, value in entries.items():
        setting = f"{section}.{name}"
        if (setting, value) == _SELF_SUPERVISED or REMOVED.get(setting) not in (None, value):
            raise InputError(
                f"recipe.json: {setting}={value} was removed, since no recipe used it. Read this run "
                "with the version that made it, or start a new run."
            )
        if setting not in REMOVED:
            renewed[RENAMED.get(setting, setting).partition(".")[2]] = value
    return renewed
