"""A recipe: one frozen value, changed by override alone, which refuses what no run could use."""

import json
import re
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import InputError
from pipeline.recipes import RECIPES
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import (
    SECTIONS,
    SETTINGS,
    Recipe,
    apply_variant,
    override,
    override_all,
    recipe_from_json,
    recipe_to_json,
)

PLAIN = Recipe(name="plain", title="Plain", labels=("a", "b"))
JSON_LIST = """--set labels='["a, b", "c"]'"""


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        ("fit.epochs", "3", 3),
        ("fit.learning_rate", "1e-2", 0.01),
        ("augment.flip", "none", "none"),
        ("network.background", "confidence", "confidence"),
        ("seed", "4", 4),
        ("labels", "x, y", ("x", "y")),
        ("labels", '["x, 1", "y"]', ("x, 1", "y")),
    ],
)
def test_an_override_changes_its_setting_alone(setting: str, text: str, value: Any) -> None:
    """Catches text that is kept as text, a neighbour that changes too, and an original that is changed in place."""
    before = asdict(PLAIN)
    changed = asdict(override(PLAIN, setting, text))
    assert asdict(PLAIN) == before
    section, _, name = setting.rpartition(".")
    place = changed[section] if section else changed
    assert (place[name], type(place[name])) == (value, type(value))
    place[name] = before[section][name] if section else before[name]
    assert changed == before


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("fit.epoch", "Did you mean fit.epochs?"),
        ("epochs", "Did you mean fit.epochs?"),
        ("fit.lerning_rate", "Did you mean fit.learning_rate?"),
        ("patches.__class__", "'patches.__class__'"),
        ("name", "'name'"),
        ("fit", "'fit'"),
        ("xyz", "Known: labels, seed, source.kind"),
        ("", "''"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known_one(setting: str, hint: str) -> None:
    """Catches a mistyped setting that is silently ignored, and a refusal that leaves the user guessing."""
    with pytest.raises(InputError, match="no setting is named") as fault:
        override(PLAIN, setting, "3")
    assert hint in str(fault.value)


@pytest.mark.parametrize(
    ("setting", "text", "rule"),
    [
        ("fit.epochs", "many", "must be of type int"),
        ("fit.epochs", "3.5", "must be of type int"),
        ("fit.epochs", "", "must be of type int"),
        ("fit.learning_rate", "fast", "must be of type float"),
        ("augment.rotation", "nan", "must be a finite number"),
        ("augment.rotation", "inf", "must be a finite number"),
        ("augment.flip", "vertical", "must be one of none, horizontal, horizontal_and_vertical"),
        ("network.head", "clasifier", "must be one of classifier, normalised"),
        ("labels", '["x, 1", 2]', f"must be words with commas between them, or a JSON list of words: {JSON_LIST}"),
        ("labels", "[x, y", f"must be words with commas between them, or a JSON list of words: {JSON_LIST}"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_rule_and_value(setting: str, text: str, rule: str) -> None:
    """Catches 3.5 epochs cut to 3, a rotation of nan, and a word that only a later stage would stumble over."""
    with pytest.raises(InputError) as fault:
        override(PLAIN, setting, text)
    assert str(fault.value) == f"{setting} {rule}. Received: {text!r}."


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("fit.epochs", "0"),
        ("fit.batch_size", "0"),
        ("split.test", "0"),
        ("split.test", "0.9"),
        ("calibrate.accepted", "1.01"),
        ("patches.min_side", "0"),
        ("patches.min_side", "0.8"),
        ("patches.longest_side", "0"),
        ("labels", "a,a"),
        ("labels", "a,background"),
        ("labels", "unknown"),
    ],
)
def test_a_value_with_which_no_run_ends_well_is_refused(setting: str, text: str) -> None:
    """Catches a run that fails after hours, or ends with nonsense, for a value that was wrong from the start."""
    with pytest.raises(InputError, match=f"^{setting} .*Received: "):
        override(PLAIN, setting, text)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_false_is_false(text: str, value: bool) -> None:
    """Catches bool("false"), which is True."""
    assert override(PLAIN, "export.features", text).export.features is value
    with pytest.raises(InputError, match="must be one of true, false"):
        override(PLAIN, "export.features", "0")


@pytest.mark.parametrize(
    ("folds", "fold", "odd"), [("-1", "0", "folds"), ("1", "1", "folds"), ("0", "1", "fold"), ("5", "0", "fold")]
)
def test_a_fold_that_is_none_is_refused(folds: str, fold: str, odd: str) -> None:
    """Catches a run that tests on nothing, or on a split by shares while its folder says fold 1."""
    with pytest.raises(InputError, match=rf"^split\.{odd} must be .*Received: "):
        override_all(PLAIN, (("split.folds", folds), ("split.fold", fold)))


def test_folds_leave_photographs_for_training() -> None:
    """Catches half of the photographs for the test and half for validation; the share of the test has no say."""
    halves = (("split.folds", "2"), ("split.fold", "2"))
    assert override_all(override(PLAIN, "split.test", "0.8"), halves).split.test_share == 0.5
    for more in ("split.fold", "3"), ("split.validation", "0.5"):
        with pytest.raises(InputError, match=rf"^{more[0]} must"):
            override_all(PLAIN, (*halves, more))


def test_several_overrides_are_judged_together_and_the_last_one_wins() -> None:
    """Catches a possible pair refused for what lies between, and a first word that beats the last one."""
    pair = (("split.test", "0.9"), ("split.validation", "0.05"))
    for overrides in (pair, pair[::-1]):
        split = override_all(PLAIN, overrides).split
        assert (split.test, split.validation) == (0.9, 0.05)
    assert override_all(PLAIN, (("seed", "1"), ("fit.epochs", "2"), ("seed", "3"))).seed == 3
    assert override_all(PLAIN, ()) == PLAIN


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_json_gives_the_recipe_back(name: str) -> None:
    """Catches tuples that come back as lists, and a recipe whose own overrides do not apply to it."""
    recipe = RECIPES[name]
    for variant in (recipe, apply_variant(recipe, recipe.embedded), apply_variant(recipe, recipe.smoke)):
        assert recipe_from_json(recipe_to_json(variant)) == variant
    assert name == recipe.name


@pytest.mark.parametrize("name", RECIPES)
def test_variants_apply_together(name: str) -> None:
    """Fault: a variant whose emptied setting is left out as one without effect, so that no run of it begins."""
    recipe = RECIPES[name]
    for first in (recipe.embedded, recipe.pretrained):
        assert apply_variant(apply_variant(recipe, first), recipe.smoke).name == name


@given(
    rate=st.floats(1e-12, 10),
    seed=st.integers(0, 2**32 - 1),
    labels=st.lists(st.text(min_size=1), min_size=1, unique=True).filter(
        lambda x: not {"background", "unknown"} & {*x}
    ),
)
def test_recipe_json_keeps_every_digit_and_letter(rate: float, seed: int, labels: list[str]) -> None:
    """Catches rounding and lost characters: a run that can't be repeated from its own recipe."""
    recipe = replace(PLAIN, seed=seed, labels=tuple(labels), fit=replace(PLAIN.fit, learning_rate=rate))
    assert recipe_from_json(recipe_to_json(recipe)) == recipe


def test_recipe_json_with_other_fields_is_refused() -> None:
    """Catches a setting of another version that is dropped or filled with a default, so that a resumed run differs."""
    values = json.loads(recipe_to_json(PLAIN))
    fewer = {name: value for name, value in values["fit"].items() if name != "epochs"}
    for odd, damaged in (
        ("colour", values | {"colour": 1}),
        ("colour", values | {"fit": values["fit"] | {"colour": 1}}),
        ("epochs", values | {"fit": fewer}),
        ("seed", {name: value for name, value in values.items() if name != "seed"}),
    ):
        with pytest.raises(InputError, match=rf"recipe\.json is .*{odd}.*Start a new run"):
            recipe_from_json(json.dumps(damaged))


def test_a_run_from_before_the_decision_was_a_setting_decides_as_it_did() -> None:
    """Faults: a run of an earlier version that can't be resumed, exported or released."""
    values = json.loads(recipe_to_json(PLAIN))
    del values["calibrate"]["decision"]
    assert recipe_from_json(json.dumps(values)) == PLAIN
    assert PLAIN.calibrate.decision == "softmax"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"name": "x"}', '{"fit": 3}'])
def test_a_damaged_recipe_json_is_a_clear_error(text: str) -> None:
    """Catches a traceback of the JSON parser for a file that a full disk cut off."""
    with pytest.raises(InputError, match=r"recipe\.json is damaged or of another version: .*Start a new run"):
        recipe_from_json(text)


@pytest.mark.parametrize(
    ("recipe", "setting", "text", "reason"),
    [
        ("wood", "fit.epochs", "3", "only recipes of kind classification use it"),
        ("wood", "calibrate.kind", "neighbours", "only recipes of kind classification use it"),
        ("wood", "labels", "x,y", "only recipes of kind classification use it"),
        ("wood", "split.test", "0.2", "only recipes of kind classification use it"),
        ("wood", "network.input_side", "64", "only recipes of kind classification use it"),
        ("wood", "export.calibration_pictures", "9", "it needs export.mode=int8. Received: export.mode=float16"),
        ("minerals", "anomaly.stride", "8", "only recipes of kind anomaly use it"),
        ("minerals", "fit.head_epochs", "3", "it needs fit.kind=two_stage. Received: fit.kind=gradient"),
        ("minerals", "fit.teacher_share", "0.5", "it needs fit.teacher. Received: fit.teacher="),
        ("minerals", "split.fold", "0", "it needs split.folds. Received: split.folds=0"),
        (
            "minerals_transfer",
            "fit.weight_decay",
            "0.1",
            "it needs fit.kind=gradient|two_stage and fit.optimizer=adamw|sgd. Received: fit.kind=two_stage, "
            "fit.optimizer=adam",
        ),
        ("cifar10", "patches.margin", "0.1", "it needs source.kind=annotated_photos"),
        ("cifar10", "source.count", "9", "it needs source.kind=annotated_photos|memes|surfaces. Received: source.kind"),
        ("memes", "patches.jitters", "1", "it needs source.kind=annotated_photos"),
        ("cifar10", "calibrate.neighbours", "9", "it needs calibrate.kind=neighbours. Received: calibrate.kind=temper"),
    ],
)
def test_a_setting_without_effect_is_refused_with_the_reason(recipe: str, setting: str, text: str, reason: str) -> None:
    """Catches a user who believes that a setting did something, and one who is not told why it can't."""
    with pytest.raises(InputError) as fault:
        override(RECIPES[recipe], setting, text)
    assert str(fault.value).startswith(f"{setting} has no effect here: {reason}")


def test_a_setting_has_an_effect_beside_what_it_needs() -> None:
    """Catches a refusal that judges settings one by one, and alternatives of which the second one is not seen."""
    both = (("fit.head_epochs", "3"), ("fit.kind", "two_stage"))
    assert override_all(PLAIN, both).fit.head_epochs == 3
    memes = RECIPES["memes"]
    assert override_all(memes, (("network.background", "output"), ("patches.outliers", "5"))).patches.outliers == 5
    with pytest.raises(InputError, match=r"patches\.outliers has no effect here"):
        override(memes, "patches.outliers", "5")
    with pytest.raises(InputError, match=r"patches\.outliers has no effect"):
        override_all(RECIPES["photos"], (("network.background", "confidence"), ("patches.outliers", "5")))


def test_what_a_setting_needs_is_there() -> None:
    """Catches a condition that names a setting or value which does not exist, and so never holds."""
    for name, setting in SETTINGS.items():
        for condition in re.split(" and | or ", setting.declaration.needs):
            needed, _, values = condition.partition("=")
            assert not needed or needed in SETTINGS, name
            for value in values.split("|") if values else ():
                limits = SETTINGS[needed].limits
                assert value in limits.choices or limits.allow(int(value)), name


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_holds_what_its_kind_uses(name: str) -> None:
    """Catches recipe.json with settings that nothing reads, which a reader takes for what was done."""
    recipe = RECIPES[name]
    written = json.loads(recipe_to_json(recipe)).keys() & SECTIONS.keys()
    assert written == {section for section, kinds in SECTIONS.items() if recipe.kind in kinds}
    with pytest.raises(InputError, match=f"must keep its default in a recipe of kind {recipe.kind}"):
        if recipe.kind == "anomaly":
            replace(recipe, fit=FitSettings(epochs=3))
        else:
            replace(recipe, anomaly=AnomalySettings(stride=8))


def test_every_field_of_a_recipe_is_documented() -> None:
    """Catches a setting whose meaning nobody wrote down where it is declared."""
    sections = [getattr(PLAIN, name) for name in SECTIONS]
    for section in (PLAIN, *sections):
        bare = [one.name for one in fields(section) if not (one.metadata or one.name in SECTIONS)]
        assert not bare, type(section)
    assert all(setting.declaration.meaning for setting in SETTINGS.values())


def test_outputs_end_with_background_where_it_is_learned() -> None:
    """Catches a network with an output too many or too few for its labels."""
    assert PLAIN.outputs == ("a", "b", "background")
    assert override(PLAIN, "network.background", "confidence").outputs == ("a", "b")
