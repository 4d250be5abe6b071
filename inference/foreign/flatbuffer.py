"""Bytes of any origin -> the tables, texts and numbers of a flatbuffer, or an error: no offset is trusted.

Format: https://flatbuffers.dev/internals. A table starts with the distance back to its vtable, which lists for each
field ("slot") its offset in the table, 0 where the field keeps its default.
"""

import struct
from collections.abc import Iterator

import numpy as np

from ..errors import InputError

MOST_STEPS = 200_000  # a network of a thousand operators takes 10,000; tables that share parts could take for ever
_NUMBERS_A_STEP = 256  # numpy reads this many numbers in about the time that one table takes here
_UINT16, _INT32, _UINT32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")
_SCALARS = {code: struct.Struct("<" + code) for code in "bBiIQf"}  # the letters of Python's struct module


class Flatbuffer:
    """The bytes, what to call them in errors, and how much more may be read of them."""

    def __init__(self, data: bytes, name: str, steps: int = MOST_STEPS) -> None:
        self.data = data
        self.name = name
        self._steps_left = steps

    def root(self) -> "Table":
        """Return the table that everything else hangs on."""
        return Table(self, self.follow(0))

    def read(self, layout: struct.Struct, offset: int) -> float:
        """Return the number at an offset; InputError where that is outside the bytes."""
        self.check_span(offset, layout.size)
        return layout.unpack_from(self.data, offset)[0]

    def follow(self, offset: int) -> int:
        """Return where the offset stored at an offset leads to; offsets count from where they stand."""
        return offset + int(self.read(_UINT32, offset))

    def check_span(self, offset: int, size: int) -> None:
        """Refuse an offset that the file does not have."""
        if not 0 <= offset <= len(self.data) - size:
            raise InputError(
                f"{self.name}: is damaged: it points to {size} bytes at byte {offset} of {len(self.data)}. "
                "Copy or export the model again."
            )

    def spend(self, numbers: int = 0) -> None:
        """Count one step, or more for a long vector, so that no file takes for ever.

        Raises:
            InputError: there were too many.
        """
        self._steps_left -= 1 + numbers // _NUMBERS_A_STEP
        if self._steps_left < 0:
            raise InputError(f"{self.name}: has too many parts for a classifier. Give a smaller network.")


class Table:
    """One table of a flatbuffer; every method raises InputError for what lies outside the bytes."""

    def __init__(self, buffer: Flatbuffer, offset: int) -> None:
        buffer.spend()
        self._buffer = buffer
        self._offset = offset
        self._vtable = offset - int(buffer.read(_INT32, offset))
        size = int(buffer.read(_UINT16, self._vtable))  # bytes, with the two sizes at its start
        buffer.check_span(self._vtable, size)
        self._slots = (size - 4) // 2

    def number(self, slot: int, code: str, default: float = 0) -> float:
        """Return a number by its letter in the struct module, one of "bBiIQf"."""
        offset = self._find(slot)
        return default if offset is None else self._buffer.read(_SCALARS[code], offset)

    def whole(self, slot: int, code: str, default: int = 0) -> int:
        """Return a whole number."""
        return int(self.number(slot, code, default))

    def table(self, slot: int) -> "Table | None":
        """Return a table, None where there is none."""
        offset = self._find(slot)
        return None if offset is None else Table(self._buffer, self._buffer.follow(offset))

    def tables(self, slot: int) -> Iterator["Table"]:
        """Yield the tables of a vector, none where there is no vector."""
        start, count = self._vector(slot, 4)
        for offset in range(start, start + 4 * count, 4):
            yield Table(self._buffer, self._buffer.follow(offset))

    def numbers(self, slot: int, dtype: str) -> np.ndarray:
        """Return a vector of numbers, [count], as a view of the bytes; numpy's letters, such as "<i4"."""
        start, count = self._vector(slot, np.dtype(dtype).itemsize)
        self._buffer.spend(count)
        return np.frombuffer(self._buffer.data, dtype, count, start) if count else np.zeros(0, dtype)

    def content(self, slot: int) -> bytes:
        """Return a vector of bytes."""
        start, count = self._vector(slot, 1)
        self._buffer.spend(count)
        return self._buffer.data[start : start + count]

    def size(self, slot: int) -> int:
        """Return how many bytes a vector of bytes has, without a copy."""
        return self._vector(slot, 1)[1]

    def text(self, slot: int) -> str:
        """Return a text, "" where there is none; bytes that are no UTF-8 become U+FFFD."""
        return self.content(slot).decode("utf-8", "replace")

    def _vector(self, slot: int, item_size: int) -> tuple[int, int]:
        """Return where a vector's items start, and their number."""
        offset = self._find(slot)
        if offset is None:
            return 0, 0
        vector = self._buffer.follow(offset)
        count = int(self._buffer.read(_UINT32, vector))
        self._buffer.check_span(vector + 4, count * item_size)
        return vector + 4, count

    def _find(self, slot: int) -> int | None:
        if slot >= self._slots:
            return None
        offset = int(self._buffer.read(_UINT16, self._vtable + 4 + 2 * slot))
        return self._offset + offset if offset else None
