"""The built page, a folder or a zip -> routes: the page that runs the model in the browser of a phone."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import NotModifiedResponse

from ..errors import InputError
from .server import LOOPBACK

_PACKAGE = Path(__file__).parent.parent
BUILT = _PACKAGE / "web" / "dist"  # by `make web`
PACKED = (_PACKAGE / "web" / "page.zip", _PACKAGE.parent / "page.zip")  # as a release carries it
INDEX = "index.html"
MODEL_ADDRESS = "/model.tflite"
NOT_BUILT = (
    "The page is missing. Build it where this program lies (make web), or put the page.zip of a release beside the "
    f"folder {_PACKAGE.name}; then start the server again.\n"
)
MEDIA_TYPES = {  # a system's own table may lack some, and a browser refuses WebAssembly and modules of another type
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".tflite": "application/octet-stream",
}
HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for again, which costs a 304
    "Cross-Origin-Resource-Policy": "same-origin",
}
# These shut out every page but ours from this one's memory, for which browsers give an exact clock and, to those who
# want them, threads. Where they trust no page, over plain HTTP from elsewhere, they only complain of them.
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


def is_built(built: Path) -> bool:
    """Tell whether there is a page to serve."""
    return (built / INDEX).is_file()


def find_page(folder: Path, built: Path = BUILT, packed: Sequence[Path] = PACKED) -> Path:
    """Return the folder of the page: the built one, else that of a zip, unpacked into a folder of the caller's.

    Raises:
        InputError: the zip is damaged.
    """
    archive = next((path for path in packed if path.is_file()), None)
    if is_built(built) or archive is None:
        return built
    try:
        with zipfile.ZipFile(archive) as entries:
            entries.extractall(folder)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as fault:
        raise InputError(f"{archive}: is damaged: {fault}. Copy it again, or build the page: make web") from fault
    return folder


def page_routes(model: Path, built: Path) -> list[Route]:
    """Return a route for each file of the page and for the model; where there is no page, one that says so."""
    if not is_built(built):
        return [Route("/", _not_built)]
    files = {f"/{path.relative_to(built).as_posix()}": path for path in sorted(built.rglob("*")) if path.is_file()}
    return [_file_route(address, path) for address, path in {**files, "/": built / INDEX, MODEL_ADDRESS: model}.items()]


def _file_route(address: str, path: Path) -> Route:
    """Serve one file under one address: no request can name another."""

    async def answer(request: Request) -> Response:
        media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
        headers = HEADERS | (ISOLATION if _is_trusted(request) else {})
        response = FileResponse(path, headers=headers, media_type=media_type, stat_result=path.stat())
        if request.headers.get("if-none-match") == response.headers["etag"]:
            return NotModifiedResponse(response.headers)
        return response

    return Route(address, answer)


def _is_trusted(request: Request) -> bool:
    """Tell whether browsers count the page as secure: W3C, Secure Contexts, "potentially trustworthy origin"."""
    return request.url.scheme == "https" or request.url.hostname in LOOPBACK


async def _not_built(request: Request) -> Response:
    return PlainTextResponse(NOT_BUILT, 404)
