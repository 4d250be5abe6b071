"""Arithmetic.kt and Arithmetic.swift -> Python, line by line, and the programs that compile Kotlin."""

import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

PHONES = Path(__file__).parent.parent / "inference" / "phones"
KOTLIN = PHONES / "android" / "app" / "src" / "main" / "kotlin"
SWIFT = PHONES / "ios" / "Touchstone"
FOUR = "// What the languages write differently"  # the functions below it are written here in Python


def _definition(name: str, parameters: str) -> str:
    return f"def {name}({parameters}):"


_BOTH = (  # a form of both languages > Python's; a line of another form is no Python, so that exec refuses it
    (r"\s*//.*$", ""),
    (r"&&", "and"),
    (r"\|\|", "or"),
    (r"^(\s*)\}$", ""),
)
_FORMS = {
    "kotlin": (
        *_BOTH,
        (r"^\s*/\*\*.*\*/$|^package .*|^import .*", ""),
        (r"^const val (\w+)", r"\1"),
        (r"fun (\w+)\((.*)\): \w+ \{$", lambda found: _definition(found[1], re.sub(r": \w+", "", found[2]))),
        (r"for \((\w+) in 0 until (.*)\) \{$", r"for \1 in range(\2):"),
        (r"if \((.*)\) \{$", r"if \1:"),
        (r"\bva[lr] ", ""),
        (r"\b(\w+)\.size\b", r"len(\1)"),
        (r" shr ", " >> "),
    ),
    "swift": (
        *_BOTH,
        (r"^import .*", ""),
        (r"^let (\w+)", r"\1"),
        (r"func (\w+)\((.*)\) -> \S+ \{$", lambda found: _definition(found[1], re.sub(r"_ |: [][\w]+", "", found[2]))),
        (r"for (\w+) in 0\.\.<(.*) \{$", r"for \1 in range(\2):"),
        (r"if (.*) \{$", r"if \1:"),
        (r"\[(Double|Int)\]\(repeating: 0, count: (.*)\)$", r"\1Array(\2)"),
        (r"\b(?:let|var) ", ""),
        (r"\b(\w+)\.count\b", r"len(\1)"),
    ),
}
_PYTHON: dict[str, Any] = {
    "abs": abs,
    "exp": np.exp,
    "ln": np.log,
    "log": np.log,
    "max": max,
    "min": min,
    "sqrt": np.sqrt,
    "DoubleArray": lambda count: np.zeros(count),
    "IntArray": lambda count: np.zeros(count, int),
    "single": lambda value: float(np.float32(value)),
    "number": float,
    "whole": int,
    "power": pow,
}


def load_arithmetic(language: str) -> SimpleNamespace:
    """Return the functions of a language's file, turned into Python."""
    path = {"kotlin": KOTLIN / "Arithmetic.kt", "swift": SWIFT / "Arithmetic.swift"}[language]
    return functions_of(path.read_text(encoding="utf-8"), language)


def functions_of(text: str, language: str) -> SimpleNamespace:
    """Return the functions of a file's text, turned into Python."""
    names = dict(_PYTHON)
    lines = text.split(FOUR, maxsplit=1)[0].splitlines()
    exec("\n".join(_python_line(line, language) for line in lines), names)  # the repository's own file
    return SimpleNamespace(**names)


def _python_line(line: str, language: str) -> str:
    code, is_whole, _ = line.partition("// whole numbers")
    for form, python in _FORMS[language]:
        code = re.sub(form, python, code)
    return code.replace(" / ", " // ") if is_whole else code


def find_kotlin() -> str | None:
    """Return the Kotlin compiler: that of KOTLINC, or on the PATH; None without it or without Java."""
    return (os.environ.get("KOTLINC") or shutil.which("kotlinc")) if shutil.which("java") else None
