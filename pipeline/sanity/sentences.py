"""The figures of a control -> sentences for people: the verdict, and a few lines for the terminal."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.sanity.figures import BOXES, best_colour
from pipeline.sanity.occlusion import INSIDE_HIDDEN, OUTSIDE_HIDDEN, WHOLE
from pipeline.sanity.verdict import AT_SPECIMEN, BEHIND_COLOUR, BEYOND_COLOUR, ELSEWHERE, SURE_P

Report = Mapping[str, Any]
Estimate = Mapping[str, Any]

_COLUMNS = 80
_TITLE_COLUMNS = 40
_LONGEST_LABEL = 20
LUCK = 0.05  # a share of namings above which a good one is no surprise


def opening(report: Report) -> str:
    """Return the verdict in one sentence: Learned: right on 87 of 100 test patches."""
    return f"{report['learning'].capitalize()}: right on {_right(report)} test patches."


def reasons(report: Report) -> str:
    """Return what the verdict rests on, with its figures."""
    test, accuracy, majority = report["permutation_test"], report["accuracy"], report["majority"]
    parts = [
        f"{percent(accuracy['value'])} ({bounds(accuracy)}) against {percent(majority['accuracy']['value'])} for "
        f"always {majority['label']}",
        f"permuted labels do as well in {test['as_good']:,} of {test['permutations']:,} tries, p = {test['p']:.4f}",
    ]
    if report["shuffled"]:
        parts.append(
            f"the same training on shuffled labels ({length(report['training'])}) reaches "
            f"{percent(report['shuffled']['value'])} ({bounds(report['shuffled'])})"
        )
    text = "; ".join(parts) + "."
    text = text[0].upper() + text[1:]
    if not report["shuffled"]:
        text += " This rests on less: the training on shuffled labels was left out."
    return text + _what_fails(report)


def length(training: Mapping[str, Any]) -> str:
    """Return how long the training on shuffled labels was, beside the run's: 6 epochs, the run 60."""
    done, own = training["epochs"], training["run_epochs"]
    return f"{done} epoch{'s' if done != 1 else ''}, the run {own}"


def colour_sentence(report: Report) -> str:
    """Return whether the network is more than a colour histogram."""
    best = best_colour(report["colour"])
    points = "{:.1f} points ({:.1f} to {:.1f})".format(*(100 * best["ahead"][key] for key in ("value", "low", "high")))
    if best["verdict"] == BEYOND_COLOUR:
        return f"It goes beyond colour: {points} ahead of {best['name']} on the same patches."
    if best["verdict"] == BEHIND_COLOUR:
        return f"Colour alone does better: {points} against {best['name']} on the same patches."
    return f"It is not shown to go beyond colour: {points} ahead of {best['name']} on the same patches."


def look_sentence(report: Report) -> str:
    """Return whether the network looks at the specimen."""
    views = report["views"]
    if views["kind"] != BOXES:
        reason = "there are no boxes." if views["kind"] else views["reason"]
        return f"Whether it looks at the specimen can't be told: {reason}"
    if views.get("look") == AT_SPECIMEN:
        start = "It looks at the specimen"
    elif views.get("look") == ELSEWHERE:
        start = "It does not look at the specimen"
    else:
        start = "Whether it looks at the specimen can't be told"
    if not views["n"] or views["ratio"]["value"] is None:
        return f"{start}: no view could be explained."
    text = (
        f"{start}: the box holds {views['ratio']['value']:.2f} times as much of the Grad-CAM map as its area would "
        f"give ({bounds(views['ratio'], 1)}, {views['n']} views). {_hidden(views)}"
    )
    return text + _surroundings(views)


def control_lines(report: Report) -> list[str]:
    """Return the report for a terminal, without the verdict."""
    heading = f"{report['recipe']}: {report['released']} on test patches, 95 % intervals"
    return [heading, *(f"  {title:{_TITLE_COLUMNS}}{text}" for title, text in _rows(report))]


def verdict_lines(report: Report) -> list[str]:
    """Return the verdict for a terminal: the answer last."""
    sentences = (look_sentence(report), colour_sentence(report), reasons(report))
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, _COLUMNS)]
    return [*lines, f"Verdict: {report['learning']}. Right on {_right(report)} test patches."]


def _right(report: Report) -> str:
    accuracy = report["accuracy"]
    return f"{round(accuracy['value'] * accuracy['n']):,} of {accuracy['n']:,}"


def _what_fails(report: Report) -> str:
    """Return what kept a doubtful run from being called learned."""
    if report["learning"] != "doubtful":
        return ""
    words = {
        "p": f"p is not below {SURE_P}",
        "majority": "the interval does not lie above the most frequent class",
        "shuffled": "it does not lie above that of the shuffled training",
    }
    failed = [words[name] for name, holds in report["checks"].items() if holds is False]
    text = f" Doubtful, since {'; '.join(failed)}"
    text += "." if report["large_enough"] else ", and the test is too small to say that it learned nothing."
    if report["checks"]["shuffled"] is False and report["naming_luck"] > LUCK:
        text += (
            f" The shuffled training may have been lucky: {percent(report['naming_luck'])} of the ways to name its "
            f"answers do as well. Draw another lot: --again --lot {report['training']['lot'] + 1}."
        )
    return text


def _hidden(views: Mapping[str, Any]) -> str:
    accuracy = views["accuracy"]
    return (
        f"Right on {percent(accuracy[WHOLE]['value'])} of the views, on {percent(accuracy[INSIDE_HIDDEN]['value'])} "
        f"with the specimen hidden, on {percent(accuracy[OUTSIDE_HIDDEN]['value'])} with the surroundings hidden."
    )


def _surroundings(views: Mapping[str, Any]) -> str:
    if views["accuracy"][INSIDE_HIDDEN]["low"] > views["majority"]:
        return " So the surroundings alone tell it something."
    return ""


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield "Accuracy, nothing rejected", estimate(report["accuracy"])
    yield f"  always {report['majority']['label'][:_LONGEST_LABEL]}", estimate(report["majority"]["accuracy"])
    for one in report["colour"]:
        yield f"  {one['name']}", estimate(one["accuracy"])
    if report["shuffled"]:
        yield "  same training, shuffled labels", estimate(report["shuffled"])
        yield "    its length", length(report["training"])
    test = report["permutation_test"]
    yield "Permuted labels", f"p = {test['p']:.4f}, {test['as_good']:,} of {test['permutations']:,} as good"
    views = report["views"]
    if views["kind"] and views["n"]:
        inside, outside = ("specimen", "surroundings") if views["kind"] == BOXES else ("centre", "border")
        yield "Views, whole", estimate(views["accuracy"][WHOLE])
        yield f"  {inside} hidden", estimate(views["accuracy"][INSIDE_HIDDEN])
        yield f"  {outside} hidden", estimate(views["accuracy"][OUTSIDE_HIDDEN])


def percent(value: float | None) -> str:
    """Return a share as a percentage: 0.931 -> 93.1 %."""
    return "?" if value is None else f"{100 * value:.1f} %"


def bounds(one: Estimate, factor: float = 100) -> str:
    """Return the ends of an interval: 90.4 to 95.1; of numbers that are no shares with factor 1 and more digits."""
    digits = 1 if factor == 100 else 2
    return " to ".join("?" if one[key] is None else f"{factor * one[key]:.{digits}f}" for key in ("low", "high"))


def estimate(one: Estimate) -> str:
    """Return a share with interval and n, in columns."""
    if one["value"] is None:
        return f"not defined, n={one['n']}"
    ends = f"[{bounds(one).replace(' to ', ', ')}]"
    return f"{percent(one['value']):>7}  {ends:<14}  n={one['n']}"
