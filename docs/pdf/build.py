"""Compile docs/pdf/documentation.typ and the measured files that it reads into documentation.pdf.

    python -m docs.pdf.build [OUT.pdf]

Same inputs, same bytes: fonts are those inside the compiler, the date is that of the newest report. Where the inputs
come from: docs/pdf/README.md.
"""

import json
import sys
from pathlib import Path

import typst

from pipeline.report.old_names import OLD_NAMES

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "docs" / "pdf" / "documentation.typ"
TARGET = ROOT / "documentation.pdf"


def build(root: Path = ROOT) -> bytes:
    """Return the PDF that the sources and measured files under root give.

    Raises:
        typst.TypstError: a source has a fault, or a measured file lacks a figure; names file and line.
        ValueError: the compiler warns, of a missing font for example.
    """
    pdf, warnings = make_compiler(root).compile_with_warnings(format="pdf", timestamp=0)
    if warnings:
        raise ValueError("\n".join(warning.diagnostic for warning in warnings))
    assert isinstance(pdf, bytes)
    return pdf


def make_compiler(root: Path = ROOT) -> typst.Compiler:
    """Return the compiler of the document under root, with the fonts inside it alone."""
    names = {"old-names": json.dumps(OLD_NAMES)}
    return typst.Compiler(root / SOURCE.relative_to(ROOT), root=root, ignore_system_fonts=True, sys_inputs=names)


def main(arguments: list[str]) -> int:
    """Write the PDF; return the exit code."""
    target = Path(arguments[0]) if arguments else TARGET
    try:
        target.write_bytes(build())
    except typst.TypstError as fault:
        print(fault.diagnostic, file=sys.stderr)
        return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
