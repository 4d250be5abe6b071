"""python -m inference serve MODEL: the command line of the web service."""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..batch.keep_memory import keep_memory
from ..batch.worker import WorkerSettings
from ..errors import InputError
from ..option_types import amount, new_parser, port, positive, share
from ..pictures.limits import DEFAULT_LIMITS, limits_of
from ..program import requirements

if TYPE_CHECKING:
    from .pool import ModelPool

PACKAGES = ("starlette", "uvicorn", "python_multipart", "anyio", "h11", "click", "prometheus_client", "segno")
_MOST_WORKERS = 8  # by default: each may hold a large photograph
EPILOG = """\
examples:
  python -m inference serve model.tflite
  python -m inference serve model.tflite --max-pictures 16 --max-requests 32 --top-limit 3
  curl -F picture=@a.jpg -F picture=@b.png http://127.0.0.1:8000/classify
  curl -H "Content-Type: image/jpeg" --data-binary @a.jpg "http://127.0.0.1:8000/classify?name=a.jpg&top=3"
  python -m inference serve model.tflite --host 0.0.0.0
  python -m inference serve model.tflite --host 0.0.0.0 --certificate cert.pem --key key.pem
  curl -F picture=@a.jpg -g "http://127.0.0.1:8000/classify?boxes=[[0,0,64,64]]"
  curl -F picture=@a.jpg "http://127.0.0.1:8000/classify?mask=true"

GET / is a page that runs the model in the browser, on a phone too; over HTTPS it also works offline and with the live
camera. `make web` builds it. A release carries it, inside the package touchstone-runner or as page.zip, which belongs
into inference/web or beside the folder inference. The page gets the model's file as it is, without --threshold.
POST /classify answers {"a.jpg": {"confidence": 0.93, "result": "pyrite"}}; a picture that can't be read has "error"
instead. A model that finds anomalies also answers "score" and "regions", with mask=true "mask": a PNG in base64, of the
photograph's size, 255 where an anomaly is.
Status 200: at least one result, 422: none; 400 to 415: wrong request; 503: too busy, send it again.
GET /health and GET /metrics (Prometheus). SIGTERM or Ctrl+C: answers what ends within a second, says 503 to the rest,
then exit 0; 2 wrong usage. A picture that takes longer than --time-limit is given up, and its worker is started anew.
A body without a type (application/octet-stream or none) is told to be a picture by its content.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = make_parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks on odd metadata, each with a line of Pillow's code
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        stop = partial(_stop, folder)
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            _check_packages()
            keep_memory()
            _serve(options, Path(folder))
        except InputError as fault:
            print(f"Error: {fault}", file=sys.stderr)
            return 2
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    print("stopped", file=sys.stderr)
    return 0


def _stop(folder: str, number: int, frame: object) -> None:
    """End at once, during the start: later the server has handlers of its own.

    No exception is raised instead: one that comes while a callback runs, as imports have many, is lost, and the server
    would go on. The child processes end with this one.
    """
    for child in multiprocessing.active_children():
        child.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os.write(sys.stderr.fileno(), b"stopped\n")
    os._exit(0)


def _serve(options: argparse.Namespace, folder: Path) -> None:
    from . import server  # here, because a runner may lack the packages
    from .app import make_app
    from .connection import limited_connection
    from .options import Settings
    from .page import find_page, page_routes

    settings = Settings(
        limits=limits_of(options),
        most_pictures=options.max_pictures,
        most_top=options.top_limit,
        most_requests=options.max_requests,
        hosts=server.allowed_hosts(options.host),
    )
    page = find_page(folder / "page")
    pool, model = _start_pool(options, folder)
    try:
        with server.open_socket(options.host, options.port) as listening:
            app = make_app(pool, settings, page_routes(model, page))
            hint = _hint(options, listening.getsockname()[1], settings.hosts is not None, page)
            connection = limited_connection(options.workers, options.max_requests)
            server.serve(app, listening, server.Server(connection, pool.close, hint, _certificate(options)))
    finally:
        pool.close()


def _start_pool(options: argparse.Namespace, folder: Path) -> "tuple[ModelPool, Path]":
    """Start the workers with copies of the model's files in a folder, so that a later one finds the same.

    Return the workers and the copy of the model, which the page gets, too.
    """
    from ..load import load_model
    from ..model.artefact import read_artefact
    from .pool import ModelPool

    how = (options.threads, options.threshold, options.labels, options.scaling)
    card = load_model(read_artefact(options.model), *how).card
    model = _copy(options.model, folder / "model")
    labels = options.labels and _copy(options.labels, folder / "labels")
    settings = WorkerSettings(model, options.threads, options.threshold, limits_of(options), labels, options.scaling)
    return ModelPool(settings, options.workers, card), model


def _copy(path: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy2(path, folder / path.name))  # with its time, by which browsers know that it is the same


def _hint(options: argparse.Namespace, port: int, here_alone: bool, page: Path) -> str:
    """Return how a phone finds the page; nothing where no phone can reach this machine."""
    from .address import phone_hint
    from .page import NOT_BUILT, is_built

    if here_alone:
        return ""
    return phone_hint(options.host, port, options.certificate is not None) if is_built(page) else NOT_BUILT


def _certificate(options: argparse.Namespace) -> tuple[Path, Path] | None:
    if (options.certificate is None) != (options.key is None):
        raise InputError("a certificate needs its key. Give both --certificate and --key, or neither.")
    return None if options.certificate is None else (options.certificate, options.key)


def _check_packages() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"serving needs packages that are not installed: {', '.join(missing)}. "
            f"Install them: python -m pip install {requirements('serve')}"
        )


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = new_parser(
        "python -m inference serve",
        "Answer the pictures of HTTP requests with a .tflite model, or let a phone's browser do it.",
        EPILOG,
    )
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="the .tflite file")
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine only)")
    add("--port", type=port, default=8000, help="0: any free one (default 8000)")
    add("--certificate", type=Path, metavar="FILE", help="serve HTTPS with this certificate (PEM)")
    add("--key", type=Path, metavar="FILE", help="the certificate's private key (PEM)")
    add("--threshold", type=share, help="reject below this (default: the model's own; 0: never)")
    add("--labels", type=Path, metavar="FILE", help="labels of a model without, one a line")
    add("--scaling", choices=("raw", "unit", "signed"), help="what a float model without metadata expects")
    add("--workers", type=positive, default=workers, help=f"pictures at a time (default {workers} on this machine)")
    add("--threads", type=positive, default=1, help="CPU threads for one picture (default 1)")
    add("--max-megabytes", type=amount, default=64.0, help="of one request, 2^20 bytes (default 64)")
    pixels = DEFAULT_LIMITS.pixels / 1e6
    add("--max-megapixels", type=amount, default=pixels, help=f"of one picture (default {pixels:g})")
    add("--time-limit", type=amount, default=30.0, metavar="SECONDS", help="give a picture up after (default 30)")
    add("--max-pictures", type=positive, default=64, help="or regions of a request (default 64)")
    add("--max-requests", type=positive, default=128, help="at work or waiting at a time (default 128)")
    add("--top-limit", type=positive, default=10, help="most labels that ?top= may ask for (default 10)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
