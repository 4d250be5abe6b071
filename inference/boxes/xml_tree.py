"""XML text -> its root element, without document types."""

import re
from xml.etree import ElementTree

from ..errors import InputError, quote

_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)["']""")
_EAST_ASIAN = re.compile(rb"gb|ks|big5|euc|shift|sjis|cp9[345]|iso-?2022|hz", re.IGNORECASE)


class _TreeWithoutDoctype(ElementTree.TreeBuilder):
    """Refuse a document type: it can define entities that expand without bound or read other files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InputError(f"must be XML without DOCTYPE; received DOCTYPE {quote(name)}. Delete that declaration.")


def parse_xml(data: bytes | str) -> ElementTree.Element:
    """Return the root element of a file's bytes or text.

    Raises:
        InputError: it is not XML, or has a DOCTYPE.
    """
    parser = ElementTree.XMLParser(target=_TreeWithoutDoctype())
    try:
        parser.feed(_decoded(data) if isinstance(data, bytes) else data)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as fault:  # the latter two: unknown encodings
        raise InputError(f"must be XML: {fault}. Export it again.") from fault
    return root


def _decoded(data: bytes) -> bytes | str:
    """Return a file in a declared encoding of East Asia as text, since the parser knows none of several bytes."""
    declared = _DECLARATION.match(data)
    return data.decode(declared[1].decode()) if declared and _EAST_ASIAN.match(declared[1]) else data
