"""XML text -> its root element, without document types."""

from xml.etree import ElementTree

from inference.errors import InputError, quote


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
        parser.feed(data)
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as fault:  # the latter two: unknown encodings
        raise InputError(f"must be XML: {fault}. Export it again.") from fault
    return root
