"""What is said of settings, and what earlier versions called them."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.errors import InputError
from pipeline.__main__ import main
from pipeline.recipes import RECIPES
from pipeline.settings.documentation import settings_page
from pipeline.settings.old_names import RENAMED
from pipeline.settings.recipe import SETTINGS, Recipe, override, override_all, recipe_from_json, recipe_to_json

ROOT = Path(__file__).parent.parent
PLAIN = Recipe(name="plain", title="Plain", labels=("a", "b"))


@pytest.mark.parametrize("name", ["minerals", "cifar10"])
def test_the_recipe_of_a_released_model_is_still_read(name: str) -> None:
    """Catches a setting that was renamed or removed without a reader for the released models' own recipe.json."""
    text = (ROOT / "models" / "released" / name / "recipe.json").read_text(encoding="utf-8")
    recipe = recipe_from_json(text)
    assert (recipe.name, recipe.kind) == (name, "classification")
    assert recipe.source.count == json.loads(text)["source"].get("scenes", recipe.source.count)
    assert override_all(recipe, (*recipe.embedded, ("fit.early_side", "0"))).name == name  # drawn scenes are smaller


def old_wood(**changes: Any) -> str:
    """Return recipe.json of a run of wood from before settings were renamed: all sections are in it, and no kind."""
    values = json.loads(recipe_to_json(PLAIN)) | json.loads(recipe_to_json(RECIPES["wood"]))
    del values["kind"]
    values["source"] = {"kind": "surfaces", "scenes": 24, "seed": 0}
    added = ("prevalence", "colour")
    renamed = ("normalize_by_median", "trim_fraction", "coreset_size", "false_positive_rate", "local_contrast")
    values["anomaly"] = {name: value for name, value in values["anomaly"].items() if name not in renamed + added} | {
        "teach_steps": 0,
        "teach_rate": 0.001,
        "centred": False,
        "relative": False,
        "trimmed": 0.1,
        "bank": 300,
        "alarms": 0.01,
        "even_light": 81,
        **changes,
    }
    values["smoke"] = [["source.scenes", "6"], ["anomaly.bank", "200"]]
    return json.dumps(values)


def test_an_old_recipe_of_a_finished_run_is_still_read() -> None:
    """Catches a run folder of an earlier version that can no longer be evaluated or exported, or by other values."""
    recipe = recipe_from_json(old_wood())
    assert (recipe.kind, recipe.source.count) == ("anomaly", 24)
    assert recipe.anomaly == replace(
        RECIPES["wood"].anomaly,
        prevalence="rare",
        colour=False,
        normalize_by_median=False,
        trim_fraction=0.1,
        coreset_size=300,
        false_positive_rate=0.01,
        local_contrast=81,
    )
    assert recipe.smoke == (("source.count", "6"), ("anomaly.coreset_size", "200"))


@pytest.mark.parametrize("lost", [{"method": "taught"}, {"teach_steps": 300}, {"centred": True}])
def test_a_run_that_did_what_was_removed_is_refused(lost: dict[str, Any]) -> None:
    """Catches an evaluation by other scores than the run's."""
    (name,) = lost
    with pytest.raises(InputError, match=rf"anomaly\.{name}=\S+ was removed.*with the version that made it"):
        recipe_from_json(old_wood(**lost))


def test_an_old_name_still_sets_its_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a command that people keep and that no longer works, or works without a word of the new name."""
    assert override(RECIPES["wood"], "anomaly.alarms", "0.2").anomaly.false_positive_rate == 0.2
    assert capsys.readouterr().err == "anomaly.alarms is now named anomaly.false_positive_rate\n"
    with pytest.raises(InputError, match=r"anomaly\.teach_steps was removed"):
        override(RECIPES["wood"], "anomaly.teach_steps", "300")
    for new in RENAMED.values():
        assert new in SETTINGS


def test_the_page_of_settings_is_what_is_declared() -> None:
    """Catches docs/settings.md of an earlier version; python -m pipeline.settings.documentation prints the new one."""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_settings_of_a_recipe_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a verb that is missing, a default for the recipe's value, a lost change, settings of the other kind."""
    assert main(["settings", "tiles", "--set", "anomaly.folds=5"]) == 0
    printed = capsys.readouterr().out
    assert "anomaly.folds = 5\n" in printed
    assert "anomaly.levels = 16\n" in printed
    assert "    side of the network's input [a multiple of 32 and positive, pixels]\n" in printed
    assert not re.findall("^(fit|labels)", printed, re.MULTILINE)
    assert "the int8 ranges [at least 1]; no effect here: it needs export.mode=int8" in " ".join(printed.split())
    assert main(["settings", "minerals", "--epochs", "3"]) == 0
    assert "fit.epochs = 3\n" in capsys.readouterr().out


def test_the_recipe_of_tiles_is_what_was_measured() -> None:
    """Catches a setting lost on the way from the command of docs/wood.md, under whose figures the recipe stands."""
    report = json.loads((ROOT / "docs" / "results" / "wood_tiles.json").read_text(encoding="utf-8"))
    trunk = report["settings"].pop("trunk")
    measured = json.loads(old_wood(**report["settings"]))
    recipe = RECIPES["tiles"]
    assert recipe_from_json(json.dumps(measured)).anomaly == recipe.anomaly
    assert (recipe.network.trunk, recipe.title, recipe.export.mode) == (trunk, report["title"], report["released"])


@pytest.mark.parametrize(
    "changes",
    [
        *((("anomaly.prevalence", "common"), change) for change in (
            ("anomaly.method", "patchcore"),
            ("anomaly.levels", "8"),
            ("anomaly.stride", "8"),
            ("anomaly.dimensions", "32"),
            ("anomaly.colour", "false"),
            ("anomaly.normalize_by_median", "true"),
            ("anomaly.smoothing", "2"),
            ("anomaly.score_share", "0.1"),
            ("anomaly.coreset_size", "9"),
            ("anomaly.trim_fraction", "0.1"),
            ("anomaly.false_positive_rate", "0.1"),
        )),
        (("anomaly.method", "gaussian"), ("anomaly.trim_fraction", "0.1")),
        (("anomaly.method", "gaussian"), ("anomaly.false_positive_rate", "0.1")),
        (("anomaly.method", "padim"), ("anomaly.prevalence", "common")),
    ],
)  # fmt: skip
def test_what_common_anomalies_replace_is_refused_where_it_is_set(changes: tuple[tuple[str, str], ...]) -> None:
    """Fault: a setting that the model for common anomalies does not use, taken without a word."""
    with pytest.raises(InputError, match=rf"{re.escape(changes[1][0])} has no effect here"):
        override_all(RECIPES["wood"], changes)


def test_settings_of_rare_anomalies_are_taken_where_they_may_hold() -> None:
    """Fault: what auto uses where anomalies are rare, or what a clean set's threshold needs, refused with the rest."""
    override_all(RECIPES["wood"], (("anomaly.levels", "8"), ("anomaly.trim_fraction", "0.1")))
    clean = (("anomaly.prevalence", "common"), ("anomaly.clean", "true"), ("anomaly.false_positive_rate", "0.1"))
    override_all(RECIPES["wood"], clean)
    padim = (("anomaly.method", "padim"), ("anomaly.prevalence", "rare"), ("anomaly.trim_fraction", "0.1"))
    override_all(RECIPES["wood"], padim)
