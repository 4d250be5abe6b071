"""What keys of report.json, control.json and crossval.json were called in earlier versions -> what they are called now.

Files that were measured then stay as they are; whatever reads one passes it through `modern` first.
"""

from typing import Any

from pipeline.settings.old_names import RENAMED

# old key -> the name of today. "parent.key" is renamed under that parent alone, ".key" at the top of a file: the short
# names could as well be those of a user's classes or photographs, which are keys too.
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
    """Return a value of JSON with the names of today; entries of a list count as under the list's own key.

    {"rejected_minerals": 1, "nearest": [{"likeness": 2}]} becomes {"rejected_known": 1, "nearest": [{"cosine": 2}]}.
    """
    if isinstance(value, dict):
        return {
            OLD_NAMES.get(f"{parent}.{key}", OLD_NAMES.get(key, key)): modern(item, key) for key, item in value.items()
        }
    return [modern(item, parent) for item in value] if isinstance(value, list) else value
