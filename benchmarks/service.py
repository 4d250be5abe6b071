"""Load test of the web service: many clients, each sending its next picture when the last is answered.

    python -m benchmarks.service MODEL [--clients 50] [--seconds 60] [--images DIR] [--workers N] [--hostile 0.1]
        [--out FILE]

The server is a separate process on the same machine, so the figures include the work of the clients. Latency is from
the first byte sent to the last received, over persistent connections. Without --images: drawn JPEG photographs, all of
one size. A share of the clients may be hostile: they send half of a request's headers, pictures that take minutes to
decode, and bodies of another length than they say (benchmarks/hostile.py). An honest client that is told 503 waits as
long as Retry-After says. The exit code is 1 if an honest request got anything else than 200 or 503 with Retry-After, or
the server needed more than two seconds to stop.
"""

import argparse
import contextlib
import http.client
import io
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from benchmarks.hostile import attacking, measured_memory
from inference.atomic_file import write_atomically

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-m", "inference.service.serve")
DRAWN_SIZE = (768, 1024)  # height, width
DRAWN_PICTURES = 20
PERCENTILES = (50, 95, 99, 100)
_TIMEOUT = 60.0  # seconds, for one answer
_STOP_SECONDS = 2.0


@dataclass
class Tally:
    """The results of one client: seconds of each answer with status 200, and counts of other outcomes.

    told: answers 503 that say when to come again.
    """

    seconds: list[float] = field(default_factory=list)
    told: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def main(arguments: list[str]) -> int:
    """Print the table; return the exit code."""
    options = _make_parser().parse_args(arguments)
    pictures = _read_pictures(options.images) if options.images else _draw_pictures()
    extra = [] if options.workers is None else ["--workers", str(options.workers)]
    with running_service(options.model, *extra) as (process, address), measured_memory(process.pid) as memory:
        hostile = round(options.clients * options.hostile)
        with attacking(address, hostile):
            tallies, passed = load(address, pictures, options.clients - hostile, options.seconds)
            start = time.perf_counter()
            process.terminate()
            exit_code = process.wait()
            stop_seconds = time.perf_counter() - start
    report = summarise(tallies, passed) | {
        "clients": options.clients,
        "seconds": options.seconds,
        "pictures": len(pictures),
        "mean_picture_bytes": round(sum(map(len, pictures)) / len(pictures)),
        "workers": options.workers,
        "model": options.model.name,
        "machine": _describe_machine(),
        "server_exit_code": exit_code,
        "hostile": hostile,
        "peak_memory_mb": round(memory.peak_bytes / 2**20),
        "stop_seconds": round(stop_seconds, 2),
    }
    print("\n".join(table(report)))
    if options.out:
        write_atomically(options.out, json.dumps(report, indent=1) + "\n")
    return 1 if report["errors"] or exit_code or stop_seconds > _STOP_SECONDS else 0


@contextlib.contextmanager
def running_service(
    model: Path, *arguments: str, prefix: Sequence[str] = (), program: Sequence[str] = PROGRAM
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Start the service on a free port; yield its process and address; end it afterwards.

    prefix: a command that runs the one behind it.
    program: the service's command, without its arguments.
    """
    command = [*prefix, *program, str(model), "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stderr
            line = process.stderr.readline()
            if not line.startswith("listening on "):
                raise RuntimeError(f"the service did not start: {line}{process.stderr.read()}")
            yield process, line.removeprefix("listening on ").strip()
        finally:
            process.kill()


def load(address: str, pictures: list[bytes], clients: int, seconds: float) -> tuple[list[Tally], float]:
    """Send pictures for the given seconds; return a tally per client and the seconds until the last answer."""
    tallies = [Tally() for _ in range(clients)]
    start = time.perf_counter()
    threads = [
        threading.Thread(
            target=_send, args=(address, pictures[number % len(pictures) :] + pictures, start + seconds, tally)
        )
        for number, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tallies, time.perf_counter() - start


def summarise(tallies: list[Tally], passed: float) -> dict[str, Any]:
    """Return the figures of a run; latencies in milliseconds by percentile, 100 is the slowest answer."""
    latencies = [seconds * 1000 for tally in tallies for seconds in tally.seconds]
    places = np.percentile(latencies, PERCENTILES) if latencies else np.full(len(PERCENTILES), np.nan)
    return {
        "requests": len(latencies),
        "requests_per_second": len(latencies) / passed,
        "told_503": sum(tally.told for tally in tallies),
        "errors": dict(sum((tally.errors for tally in tallies), Counter[str]())),
        "latency_ms": {str(place): round(float(value), 2) for place, value in zip(PERCENTILES, places, strict=True)},
    }


def table(report: dict[str, Any]) -> list[str]:
    """Return the report for a terminal."""
    latency = report["latency_ms"]
    errors = ", ".join(f"{name}: {count}" for name, count in report["errors"].items()) or "none"
    return [
        f"{report['machine']}; server and clients on it",
        f"{report['clients']} clients, {report['hostile']} of them hostile, for {report['seconds']:g} s, "
        f"{report['pictures']} pictures "
        f"of {report['mean_picture_bytes']:,} bytes on average",
        f"{'requests':>10}{'per s':>10}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'max ms':>10}  errors",
        f"{report['requests']:>10}{report['requests_per_second']:>10.1f}"
        + "".join(f"{latency[str(place)]:>10.1f}" for place in PERCENTILES)
        + f"  {errors}",
        f"told 503 with Retry-After: {report['told_503']}; memory of the server at most "
        f"{report['peak_memory_mb']} MB; stopped in {report['stop_seconds']:.2f} s",
    ]


def _send(address: str, pictures: list[bytes], end: float, tally: Tally) -> None:
    """Send pictures one after another until the end; record the results."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=_TIMEOUT)
    number = 0
    while (start := time.perf_counter()) < end:
        try:
            connection.request("POST", "/classify", pictures[number % len(pictures)], {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as fault:
            tally.errors[type(fault).__name__] += 1
            connection.close()
        else:
            if answer.status == 200:
                tally.seconds.append(time.perf_counter() - start)
            elif answer.status == 503 and (pause := answer.headers["Retry-After"]):
                tally.told += 1
                time.sleep(float(pause))
            else:
                tally.errors[f"status {answer.status}"] += 1
        number += 1
    connection.close()


def _describe_machine() -> str:
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def _read_pictures(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def _draw_pictures() -> list[bytes]:
    """Return JPEG files about as large as photographs of that size: coarse noise, enlarged."""
    random_numbers = np.random.default_rng(1)
    height, width = DRAWN_SIZE
    pictures = []
    for _ in range(DRAWN_PICTURES):
        coarse = random_numbers.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        pictures.append(file.getvalue())
    return pictures


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description="Load the web service.")
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--images", type=Path, metavar="DIR", help="send these files (default: drawn photographs)")
    parser.add_argument("--workers", type=int, help="workers of the server (default: its own)")
    parser.add_argument("--hostile", type=float, default=0.0, metavar="SHARE", help="of the clients (default 0)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures here as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
