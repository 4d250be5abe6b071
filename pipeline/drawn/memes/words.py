"""The words on the drawn memes: the same for all styles, so that reading would not help to tell them apart."""

import numpy as np

TOP_LINES = (
    "when you finally", "nobody:", "me at 3 am", "that moment when", "i should", "they said", "one does not simply",
    "when the coffee", "my plan", "how it started", "my friends:", "mom:", "when monday", "pov:", "me after work",
    "what if i told you", "the last level", "when someone says", "expectation", "before breakfast", "so i said",
    "day one", "wait", "when the wifi", "brain at night",
)  # fmt: skip
BOTTOM_LINES = (
    "find the keys", "absolutely nothing", "still awake", "it was me all along", "go to bed", "it would be easy",
    "leave the house", "starts to work", "until it didn't", "how it's going", "we need to talk", "dinner is ready",
    "comes around again", "it's fine", "sits down", "there is no cake", "takes nine hours", "just one more",
    "reality", "no thanks", "never again", "i forgot to save", "what year is it", "is down", "remember that one time",
)  # fmt: skip
NAMES = ("Pip", "Mona", "Olli", "Tara", "Bruno", "Fenn", "Lulu", "Kit", "Nori", "Sage")
MARKS = ("memepage", "@daily.lol", "made with care", "u/nobody", "funnybox", "lolworks")
_STARTS = ("Oh! You are here again.", "Did you hear?", "I have been thinking.", "Psst.", "Good news!", "Listen,")
_ENDS = (
    "The shop has a new lamp.", "Somebody took my shovel.", "It is far too late for that.", "I found this in a tree.",
    "Nothing hurts like bees.", "We could go fishing.", "You owe me an apple.", "The door was open all day.",
)  # fmt: skip


def pick_caption(rng: np.random.Generator) -> tuple[str, str]:
    """Return the upper and lower line of a meme."""
    return TOP_LINES[int(rng.integers(len(TOP_LINES)))], BOTTOM_LINES[int(rng.integers(len(BOTTOM_LINES)))]


def pick_sentence(rng: np.random.Generator) -> str:
    """Return what somebody says in a bubble or a subtitle."""
    return f"{_STARTS[int(rng.integers(len(_STARTS)))]} {_ENDS[int(rng.integers(len(_ENDS)))]}"
