"""Set documentation.pdf from docs/pdf and the measured files: python -m benchmarks.documentation [OUT.pdf]

Every figure in it is read from a report or a table in docs/ or models/released; none is typed. The same inputs give the
same bytes: fonts are those inside the typesetter, and the document carries no date. It needs no TensorFlow.
"""

import sys
from pathlib import Path

import typst

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "pdf" / "main.typ"
OUT = ROOT / "documentation.pdf"


def set_document(root: Path = ROOT) -> bytes:
    """Return the PDF that the sources under a repository's root give.

    Raises:
        typst.TypstError: a source is wrong, or a figure that it names is not in its report.
    """
    source = root / SOURCE.relative_to(ROOT)
    pdf = typst.compile(str(source), root=str(root), ignore_system_fonts=True)
    assert isinstance(pdf, bytes)
    return pdf


def main(arguments: list[str]) -> int:
    """Write the PDF; return the exit code."""
    out = Path(arguments[0]) if arguments else OUT
    try:
        out.write_bytes(set_document())
    except typst.TypstError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
