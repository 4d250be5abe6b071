"""Keys of report.json, control.json and crossval.json of earlier versions -> their current names.

Old files are not rewritten; every reader passes them through `modern` first.
"""

from typing import Any

from pipeline.settings.old_names import RENAMED

# old key -> current key. "parent.key" is renamed only under that parent, ".key" only at the top of a file: short names
# could also be names of a user's classes or photographs, which are keys too.
OLD_NAMES = {
    "rejected_minerals": "rejected_known",
    "accepted_minerals": "accepted_known",
    "reject_scores": "ood_scores",
    "n_strangers": "n_unknown",
    "nearest.likeness": "cosine",
    **{f"{parent}.likeness": "knn_score" for parent in ("", "calibration")},
    **{f"{parent}.lot": "shuffle_seed" for parent in ("", "training")},
    **{f"{parent}.lag": "alignment" for parent in ("", "calibration")},
    **{f"{parent}.alarms": "false_positive_rate" for parent in ("", "calibration")},
    # the recipe's, as an anomaly report lists them
    **{f"settings.{old.partition('.')[2]}": new.partition(".")[2] for old, new in RENAMED.items() if "anomaly." in old},
}


def modern(value: Any, parent: str = "") -> Any:
    """Return a JSON value with current key names; entries of a list have the list's key as parent.

    {"rejected_minerals": 1, "nearest": [{"likeness": 2}]} becomes {"rejected_known": 1, "nearest": [{"cosine": 2}]}.
    """
    if isinstance(value, dict):
        return {
            OLD_NAMES.get(f"{parent}.{key}", OLD_NAMES.get(key, key)): modern(item, key) for key, item in value.items()
        }
    return [modern(item, parent) for item in value] if isinstance(value, list) else value
