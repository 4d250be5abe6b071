"""The body of a request -> its pictures by name, or the refusal with its status."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from .options import RETRY, Options, RefusalError, Settings

MULTIPART = "multipart/form-data"
UNTYPED = ("", "application/octet-stream", "application/x-www-form-urlencoded")  # what clients say who do not know
DEFAULT_NAME = "image"
SPOOL_BYTES = 2**17  # of a picture that are held in memory; the rest waits in a temporary file without a name
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")  # of the formats that are decoded
_HEIF = b"ftyp"  # HEIC and AVIF, whose refusal says how to convert them
_START_BYTES = 8

Take = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Upload(Picture):
    """A picture that a client has sent: it has no file."""

    path: Path = Path()
    member: str = ""
    data: bytes = b""

    def read(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Return the encoded picture; the limit of bytes is that of its request, which has been read."""
        return self.data


class Budget:
    """The bytes that the bodies of all requests at work may have together."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextlib.contextmanager
    def open(self) -> Iterator[Take]:
        """Give a function that takes a number of bytes, or refuses the request; all are given back at the end."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if count > self._left:
                raise RefusalError(503, "large requests are at work already. Send it again later.", RETRY)
            self._left -= count
            taken += count

        try:
            yield take
        finally:
            self._left += taken


async def read_pictures(request: Request, options: Options, settings: Settings, take: Take) -> dict[str, UploadFile]:
    """Return the encoded pictures of a request by name; the caller closes them.

    take: told of each piece that has come; see Budget.

    Raises:
        RefusalError: there is none, the request is too large, too slow or malformed, or names collide.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    _check_size(request.headers.get("content-length", ""), settings.limits)
    chunks = _read_chunks(request, settings.limits, take)
    try:
        async with asyncio.timeout(settings.read_seconds):
            if media_type == MULTIPART:
                return await _read_parts(request, chunks, options, settings)
            if media_type.startswith("image/") or media_type in UNTYPED:
                file = await _read_body(chunks)
                if media_type.startswith("image/") or await _is_picture(file):
                    return {_visible(options.name or DEFAULT_NAME): file}
                await file.close()
    except TimeoutError as fault:
        rule = f"a request must arrive within {settings.read_seconds:g} seconds"
        raise RefusalError(408, f"{rule}. Send fewer or smaller pictures.", {"Connection": "close"}) from fault
    except ClientDisconnect as fault:
        raise RefusalError(400, "the connection ended before the request was complete. Send it again.") from fault
    known = f"{MULTIPART} with one or more files, or image/* with one picture as the body"
    remedy = "Send the picture's file as it is"
    raise RefusalError(415, f"the Content-Type must be {known}. Received: {media_type or 'none'}. {remedy}.")


def _check_size(stated: str, limits: Limits) -> None:
    if stated.isdecimal() and (len(stated) > 18 or int(stated) > limits.bytes):
        raise _too_large(limits)


def _too_large(limits: Limits) -> RefusalError:
    rule = f"a request may have {limits.bytes:,} bytes"
    return RefusalError(413, f"{rule}. Received: more. Send fewer or smaller pictures, or start with --max-megabytes.")


async def _read_chunks(request: Request, limits: Limits, take: Take) -> AsyncGenerator[bytes, None]:
    """Give the body, counted, because a stated length may be missing or wrong."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limits.bytes:
            raise _too_large(limits)
        take(len(chunk))
        yield chunk


async def _is_picture(file: UploadFile) -> bool:
    """Tell a picture by its first bytes: clients send one without its type."""
    start = await file.read(_START_BYTES)
    await file.seek(0)
    return start.startswith(_STARTS) or start[4:8] == _HEIF


async def _read_body(chunks: AsyncGenerator[bytes, None]) -> UploadFile:
    spool = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed with the answer
    file = UploadFile(spool, size=0)  # type: ignore[arg-type]
    try:
        async for chunk in chunks:
            await file.write(chunk)
        if not file.size:
            raise RefusalError(400, "the body must be a picture. Received: 0 bytes. Send the file's content.")
        await file.seek(0)
    except BaseException:
        await file.close()
        raise
    return file


class _Parser(MultiPartParser):
    """Starlette's parser with our limits of parts and of memory; it refuses a body that breaks off."""

    spool_max_size = SPOOL_BYTES

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], most: int) -> None:
        super().__init__(headers, stream, max_part_size=SPOOL_BYTES)
        self._most, self._parts, self._ended = most, 0, False

    async def parse(self) -> FormData:
        form = await super().parse()
        if not self._ended:
            await form.close()
            raise MultiPartException("The last boundary is missing.")
        return form

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > self._most:
            raise RefusalError(413, f"a request may have {self._most} pictures. Received: more. Send several requests.")
        super().on_part_begin()

    def on_end(self) -> None:
        self._ended = True


async def _read_parts(
    request: Request, chunks: AsyncGenerator[bytes, None], options: Options, settings: Settings
) -> dict[str, UploadFile]:
    try:
        form = await _Parser(request.headers, chunks, settings.most_pictures).parse()
    except (MultiPartException, ValueError) as fault:  # ValueError: a charset that can't decode the names
        reason = fault.message if isinstance(fault, MultiPartException) else str(fault)
        raise RefusalError(400, f"the body must be {MULTIPART} as its header says: {reason} Send it again.") from fault
    try:
        _check_options(form, options)
        return _name_files(form)
    except RefusalError:
        await form.close()
        raise


def _check_options(form: FormData, options: Options) -> None:
    if options.name is not None:
        raise RefusalError(400, f"name is for a body that is one picture. Received: {MULTIPART}. Name its files.")
    if options.boxes is not None and len(form.multi_items()) > 1:
        raise RefusalError(400, f"boxes are for one picture. Received: {len(form.multi_items())}. Send them singly.")


def _name_files(form: FormData) -> dict[str, UploadFile]:
    files: dict[str, UploadFile] = {}
    for field, part in form.multi_items():
        if isinstance(part, str) or not part.filename:
            received = f"the field {_visible(field)!r}. Give its part a filename"
            raise RefusalError(400, f"each part must be a file with a name. Received: {received}.")
        name = _visible(part.filename)
        if name in files:
            raise RefusalError(400, f"names of pictures must differ. Received twice: {name}. Rename one of them.")
        files[name] = part
    if not files:
        raise RefusalError(400, "a request must have a picture. Received: no part. Add a file to it.")
    return files


def _visible(name: str) -> str:
    """Spell what no JSON can hold (half a surrogate pair, which some charsets give) as visible escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
