"""Requests and pictures -> the counters that GET /metrics shows, by prometheus_client."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # upper ends of the histogram's buckets


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        disable_created_metrics()  # no series touchstone_..._created beside each counter
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "touchstone_requests_total", "Requests answered.", ["route", "status"], registry=self._registry
        )
        self._in_flight = Gauge(
            "touchstone_requests_in_flight", "Requests not yet answered.", ["route"], registry=self._registry
        )
        self._pictures = Counter(
            "touchstone_pictures_total", "Pictures of these requests.", ["outcome"], registry=self._registry
        )
        self._latencies = Histogram(
            "touchstone_request_seconds",
            "Time from a request's headers to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        for outcome in ("answered", "failed"):
            self._pictures.labels(outcome)  # shown from the start, with 0

    def begin(self, route: str) -> None:
        """Count a request that has arrived."""
        self._in_flight.labels(route).inc()

    def end(self, route: str, status: int, seconds: float) -> None:
        """Count its answer."""
        self._in_flight.labels(route).dec()
        self._requests.labels(route, status).inc()
        self._latencies.labels(route).observe(seconds)

    def count_picture(self, answered: bool) -> None:
        """Count a picture that was classified, or that could not be."""
        self._pictures.labels("answered" if answered else "failed").inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
