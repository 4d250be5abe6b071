"""What a user can fix, as an exception, and how its message repeats what was received."""

_QUOTE_LENGTH = 80  # characters of a received value that a message repeats


class InputError(Exception):
    """Report a fault that the user can fix: the rule, the value received, the remedy."""


def explain(fault: InputError | OSError) -> str:
    """Return a fault as one line: also that of a path which the system refuses, wherever that showed.

    Raises:
        OSError: the fault names no path, so that it is the program's own.
    """
    if isinstance(fault, InputError):
        return str(fault)
    if fault.filename is None:
        raise fault
    return f"{printable(str(fault.filename))}: {fault.strerror}. Check the path and its permissions."


def quote(value: object) -> str:
    """Return a received value for a message: quoted, printable, cut where it is long."""
    words = repr(value)
    return words if len(words) <= _QUOTE_LENGTH else words[:_QUOTE_LENGTH] + "..."


def printable(name: str) -> str:
    """Return a file name with the bytes that are not UTF-8 escaped, so that any terminal can show it."""
    return name.encode("utf-8", errors="backslashreplace").decode("utf-8")
