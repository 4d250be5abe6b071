"""Results or an error -> the HTTP answer, JSON as the command line writes it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ..run import results_to_json


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_response({"error": message}, status, headers)


def json_response(content: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write JSON as the command line does, byte for byte."""
    return Response(results_to_json(content).encode(), status, headers, "application/json")
