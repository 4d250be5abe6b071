"""What the threshold does -> sentences for people, for the card, the page and the report."""

from collections.abc import Mapping
from typing import Any

from pipeline.metrics.intervals import Estimate
from pipeline.report.sections import RiskLimit
from pipeline.report.stored import parse_section
from pipeline.report.style import percent

_OFTEN = 0.94  # shares nearer to 0 or 1 are given in hundredths


def threshold_sentences(accepted: Estimate, unknown: Mapping[str, Estimate], risk: RiskLimit | None) -> list[str]:
    """Return what is answered, what is rejected, and how many of the answers are wrong at most.

    accepted: share of pictures of the classes that are not answered "unknown". unknown: share of other pictures that
    are, by their name in the plural; undefined ones are left out. risk: None without a limit.
    """
    sentences = [f"Answers {in_words(accepted, 'pictures of its classes')}; the others are “unknown”."]
    sentences += [f"Rejects {in_words(one, name)}." for name, one in unknown.items() if one.n]
    if risk:
        sentences.append(
            f"At most {percent(risk.limit)} of its answers to pictures of its classes are wrong, with "
            f"{100 * risk.confidence:.0f} % confidence ({risk.answered.n} validation photographs, of which it answers "
            f"{percent(risk.answered.value)})."
        )
    return sentences


def card_sentences(measured: Mapping[str, Any]) -> list[str]:
    """Return the sentences for `measured` of a card; none where it lacks the accepted share.

    measured: estimates as JSON: accepted, rejected_background, unknown by name, and the section risk.
    """
    if "accepted" not in measured:
        return []
    others = {"background patches": measured.get("rejected_background"), **measured.get("unknown", {})}
    estimates = {name: parse_section(Estimate, one) for name, one in others.items() if one}
    risk = measured.get("risk")
    return threshold_sentences(
        parse_section(Estimate, measured["accepted"]), estimates, parse_section(RiskLimit, risk) if risk else None
    )


def in_words(share: Estimate, name: str) -> str:
    """Return a share of things as a simple fraction: 0.747 of 300 -> "about 7 in 10 other rocks (n = 300)"."""
    if share.value is None:
        return f"an unknown number of {name}"
    if share.value in (0, 1):
        return f"{'all' if share.value else 'none of the'} {share.n} {name}"
    parts = 10 if 1 - _OFTEN <= share.value <= _OFTEN else 100
    return f"about {round(share.value * parts)} in {parts} {name} (n = {share.n})"
