"""Requests and pictures -> the counters that GET /metrics shows, in Prometheus' text format 0.0.4."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # upper ends of the histogram's buckets


class Metrics:
    """Counters of one server. For one thread: the event loop's."""

    def __init__(self) -> None:
        self._in_flight: Counter[str] = Counter()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._pictures: Counter[str] = Counter({"answered": 0, "failed": 0})
        self._latencies: dict[str, _Histogram] = {}

    def begin(self, route: str) -> None:
        """Count a request that has arrived."""
        self._in_flight[route] += 1

    def end(self, route: str, status: int, seconds: float) -> None:
        """Count its answer."""
        self._in_flight[route] -= 1
        self._requests[route, status] += 1
        self._latencies.setdefault(route, _Histogram()).add(seconds)

    def count_picture(self, answered: bool) -> None:
        """Count a picture that was classified, or that could not be."""
        self._pictures["answered" if answered else "failed"] += 1

    def text(self) -> str:
        """Return everything in Prometheus' text format."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from _heading("touchstone_requests_total", "counter", "Requests answered.")
        for (route, status), count in sorted(self._requests.items()):
            yield f'touchstone_requests_total{{route="{route}",status="{status}"}} {count}'
        yield from _heading("touchstone_requests_in_flight", "gauge", "Requests not yet answered.")
        for route, count in sorted(self._in_flight.items()):
            yield f'touchstone_requests_in_flight{{route="{route}"}} {count}'
        yield from _heading("touchstone_pictures_total", "counter", "Pictures of these requests.")
        for outcome, count in sorted(self._pictures.items()):
            yield f'touchstone_pictures_total{{outcome="{outcome}"}} {count}'
        yield from _heading("touchstone_request_seconds", "histogram", "Time from a request's headers to its answer.")
        for route, histogram in sorted(self._latencies.items()):
            yield from histogram.lines("touchstone_request_seconds", route)


class _Histogram:
    def __init__(self) -> None:
        self._counts = [0] * (len(SECONDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(SECONDS, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str, route: str) -> Iterator[str]:
        """Give the counts as Prometheus wants them: each bucket includes all smaller ones."""
        total = 0
        for end, count in zip([*map(str, SECONDS), "+Inf"], self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{route="{route}",le="{end}"}} {total}'
        yield f'{name}_sum{{route="{route}"}} {self._sum:.6f}'
        yield f'{name}_count{{route="{route}"}} {total}'


def _heading(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
