"""What the threshold does -> sentences for people, for the card, the page and the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .estimate import Estimate

_OFTEN = 0.94  # shares nearer to 0 or 1 are given in hundredths


@dataclass(frozen=True)
class RiskLimit:
    """The largest share of wrong answers among those given that the threshold keeps; see pipeline.calibration.risk.

    confidence: probability that it is kept. answered: share of the validation photographs that are answered, one patch
    each. wrong: number of wrong answers among them. fewest_photos: number of photographs that the limit needs at least.
    """

    limit: float
    confidence: float
    answered: Estimate
    wrong: int
    fewest_photos: int


def threshold_sentences(accepted: Estimate, unknown: Mapping[str, Estimate], risk: RiskLimit | None) -> list[str]:
    """Return what is answered, what is rejected, and how many of the answers are wrong at most.

    accepted: share of pictures of the classes that are not answered "unknown". unknown: share of other pictures that
    are, by their name in the plural; undefined ones are left out. risk: None without a limit.
    """
    rest = "" if accepted.value == 1 else "; the others are “unknown”"
    sentences = [f"Answers {in_words(accepted, 'pictures of its classes')}{rest}."]
    sentences += [f"Rejects {in_words(one, name)}." for name, one in unknown.items() if one.n]
    if risk:
        sentences.append(
            f"At most {_percent(risk.limit)} of its answers to pictures of its classes are wrong, with "
            f"{100 * risk.confidence:.0f} % confidence ({risk.answered.n} validation photographs, of which it answers "
            f"{_percent(risk.answered.value)})."
        )
    return sentences


def card_sentences(measured: Mapping[str, Any]) -> list[str]:
    """Return the sentences for `measured` of a card; none where it lacks the accepted share.

    measured: estimates as JSON: accepted, rejected_background, unknown by name, and the section risk.
    """
    if "accepted" not in measured:
        return []
    others = {"background patches": measured.get("rejected_background"), **measured.get("unknown", {})}
    estimates = {name: Estimate(**one) for name, one in others.items() if one}
    risk = measured.get("risk")
    limit = RiskLimit(**{**risk, "answered": Estimate(**risk["answered"])}) if risk else None
    return threshold_sentences(Estimate(**measured["accepted"]), estimates, limit)


def in_words(share: Estimate, name: str) -> str:
    """Return a share of things as a simple fraction: 0.747 of 300 -> "about 7 in 10 other rocks (n = 300)".

    299 of 300 are "more than 99 in 100", not about all of them.
    """
    if share.value is None:
        return f"an unknown number of {name}"
    if share.value in (0, 1):
        return f"{'all' if share.value else 'none of the'} {share.n} {name}"
    parts = 10 if 1 - _OFTEN <= share.value <= _OFTEN else 100
    near = {0: "less than 1", parts: f"more than {parts - 1}"}  # nearly none, nearly all
    count = round(share.value * parts)
    return f"{near.get(count, f'about {count}')} in {parts} {name} (n = {share.n})"


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.1f} %"
