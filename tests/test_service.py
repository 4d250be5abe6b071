"""The web service, as a client meets it: answers equal to the library's, limits, refusals, metrics, stopping."""

import contextlib
import io
import json
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from inference.batch.worker import WorkerSettings
from inference.model.answers import answer_pixels
from inference.model.classifier import Classifier
from inference.pictures.limits import Limits
from inference.run import results_to_json
from inference.service.app import make_app
from inference.service.options import Settings
from inference.service.pool import ModelPool
from inference.service.server import allowed_hosts
from tests.service_client import (
    ADDRESS,
    BOUNDARY,
    FEW_SECONDS,
    IMAGE,
    ask_in_pieces,
    check_refused,
    draw_noise,
    encode,
    expected,
    part,
    parts,
    signal_workers,
    wait_until,
)
from tests.tiny_model import COLOURS, LABELS

SETTINGS = Settings(Limits(pixels=10_000, bytes=200_000), most_pictures=8, most_top=3, hosts=allowed_hosts("127.0.0.1"))


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> Classifier:
    """Return the library's classifier, to compare with."""
    return Classifier(tiny_model)


@pytest.fixture(scope="module")
def pool(tiny_model: Path, classifier: Classifier) -> Iterator[ModelPool]:
    """Return two workers for the services in this process."""
    with contextlib.closing(ModelPool(WorkerSettings(tiny_model, limits=SETTINGS.limits), 2, classifier.card)) as made:
        yield made


@pytest.fixture
def start(pool: ModelPool) -> Iterator[Callable[..., TestClient]]:
    """Return a function that starts a service in this process with changed settings."""
    clients = []

    def make(workers: ModelPool = pool, **changes: Any) -> TestClient:
        app_options = {key: changes.pop(key) for key in ("routes", "headers") if key in changes}
        app = make_app(workers, replace(SETTINGS, **changes), **app_options)
        clients.append(TestClient(app, ADDRESS, raise_server_exceptions=False).__enter__())
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    """Return a service with SETTINGS."""
    return start()


# What is answered


def test_many_pictures_of_one_request_are_answered_as_the_library_does(
    client: TestClient, classifier: Classifier, tmp_path: Path
) -> None:
    """Catches pictures that swap answers, another rounding or layout of the JSON, and lost damaged pictures."""
    pictures = draw_noise(tmp_path / "set", 8)
    files = [("picture", (picture.key, picture.read())) for picture in pictures]
    answer = client.post("/classify?top=2", files=files)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == results_to_json(expected(classifier, pictures, top=2))
    assert [key for key, value in answer.json().items() if "error" in value] == ["003.png"]


@pytest.mark.parametrize("key", ["image", "Grünspan ✓.png"])
def test_a_picture_as_the_body_is_answered_under_its_name(client: TestClient, key: str) -> None:
    """Catches a body that is read as a form, and a name that is ignored."""
    query = {} if key == "image" else {"name": key}
    answer = client.post("/classify", params=query, content=encode(COLOURS["blue"]), headers=IMAGE)
    assert answer.status_code == 200
    assert [*answer.json()] == [key]
    assert answer.json()[key]["result"] == "blue"


@pytest.mark.parametrize("name", ["a/b.png", "../../etc/passwd", "Grünspan ✓.png", "with space", "C;\\d.png"])
def test_a_name_comes_back_as_it_was_sent(client: TestClient, name: str) -> None:
    """Catches names that are cut to a base name, decoded wrongly or used as a path."""
    assert [*client.post("/classify", files=parts(name)).json()] == [name]


def test_regions_are_answered_as_the_library_does(client: TestClient, classifier: Classifier) -> None:
    """Catches boxes that are read in another order, and a region outside that loses the others."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:15, :, 0] = pixels[15:, :, 1] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    boxes = [(0, 0, 40, 15), (0.5, 15, 10.5, 15), (100, 100, 5, 5)]
    answer = client.post("/classify", params={"boxes": json.dumps(boxes)}, files=parts("a", data=file.getvalue()))
    assert answer.status_code == 200
    assert answer.text == results_to_json({"a": answer_pixels(classifier, pixels, boxes=boxes)})
    assert [region.get("result") for region in answer.json()["a"]["regions"]] == ["red", "green", None]


def test_nothing_readable_is_422_with_the_reason_of_each(client: TestClient) -> None:
    """Catches a success that holds no result, and reasons that are lost."""
    answer = client.post("/classify", files=[*parts("text", data=b"no picture"), *parts("cut", data=encode()[:60])])
    assert answer.status_code == 422
    assert [*answer.json()] == ["cut", "text"]
    assert "is damaged" in answer.json()["cut"]["error"]
    assert "is not an image in a supported format" in answer.json()["text"]["error"]
    assert client.post("/classify?boxes=[[90,90,5,5]]", files=parts("a")).status_code == 422


def test_too_many_pixels_are_a_fault_of_the_picture(client: TestClient) -> None:
    """Catches a limit of pixels that the service does not hand on."""
    answer = client.post("/classify", files=[*parts("small"), *parts("large", data=encode(size=(101, 100)))])
    assert answer.status_code == 200
    assert "At most 10,000 pixels" in answer.json()["large"]["error"]
    assert answer.json()["small"]["result"] == "red"


def test_health_names_the_model(client: TestClient, classifier: Classifier) -> None:
    """Catches a check that would be answered by any server."""
    assert client.get("/health").json() == {
        "status": "ok",
        "model": "tiny",
        "title": "tiny",
        "labels": list(LABELS),
        "flatbuffer_sha256": classifier.card.flatbuffer_sha256,
    }


def test_metrics_count_what_happened(client: TestClient) -> None:
    """Catches counters that stand still, buckets that are not cumulative, and a series for every unknown path."""
    client.post("/classify", files=[*parts("a"), *parts("b", data=b"no picture")])
    client.post("/classify", content=b"text", headers={"Content-Type": "text/plain"})
    client.get("/one")
    client.get("/two")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    names = {sample.name.removeprefix("touchstone_") for sample in samples}
    histogram = {f"request_seconds_{part}" for part in ("bucket", "count", "sum")}
    assert names == {"requests_total", "requests_in_flight", "pictures_total", *histogram}

    def value(name: str, **labels: str) -> list[float]:
        found = [sample for sample in samples if sample.name == f"touchstone_{name}"]
        return [sample.value for sample in found if labels.items() <= sample.labels.items()]

    assert value("requests_total", route="/classify", status="200") == [1]
    assert value("requests_total", route="/classify", status="415") == [1]
    assert value("requests_total", route="other", status="404") == [2]
    assert value("requests_in_flight", route="/classify") == [0]
    assert value("requests_in_flight", route="/metrics") == [1]
    assert value("pictures_total", outcome="answered") == value("pictures_total", outcome="failed") == [1]
    buckets = value("request_seconds_bucket", route="/classify")
    assert len(buckets) == 13
    assert buckets == sorted(buckets)
    assert [buckets[-1]] == value("request_seconds_count", route="/classify") == [2]
    assert "/one" not in answer.text


def test_answers_carry_safe_headers_and_no_cors(client: TestClient) -> None:
    """Catches answers that other web pages may read, that a browser may take for a page, or keep."""
    for answer in (client.get("/health", headers={"Origin": "http://elsewhere"}), client.get("/nowhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_more_routes_and_headers_can_be_added(start: Callable[..., TestClient]) -> None:
    """Catches a factory that is closed to the phone page, or that overrides what a route says itself."""
    page = Route("/page", lambda request: PlainTextResponse("page", headers={"Cache-Control": "max-age=60"}))
    answer = start(routes=[page], headers={"Cross-Origin-Opener-Policy": "same-origin"}).get("/page")
    assert answer.text == "page"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "max-age=60"


# What is refused


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("threshold=0", 400, "--threshold"),
        ("tpo=2", 400, "top, boxes, name"),
        ("top=1&top=2", 400, "twice: top"),
        ("top=0", 400, "1 to 3. Received: 0"),
        ("top=4", 400, "1 to 3. Received: 4"),
        ("top=" + "9" * 5000, 400, "1 to 3"),
        ("name=a", 400, "name is for a body"),
        ("boxes=", 400, "boxes must be JSON"),
        ("boxes=[]", 400, "boxes must be JSON"),
        ("boxes=[[1,2,3]]", 400, "Received: [[1,2,3]]"),
        ("boxes=[[0,0,NaN,1]]", 400, "boxes must be JSON"),
        ("boxes=[[0,0,1e999,1]]", 400, "boxes must be JSON"),
        ("boxes=[[0,0,true,1]]", 400, "boxes must be JSON"),
        ("boxes=[[0,0,1" + "0" * 400 + ",1]]", 400, "boxes must be JSON"),
        ("boxes=" + "[" * 5000, 400, "boxes must be JSON"),
        ("boxes=[" + ",".join(["[0,0,9,9]"] * 9) + "]", 413, "8 regions. Received: 9"),
    ],
)
def test_wrong_options_are_refused(client: TestClient, query: str, status: int, words: str) -> None:
    """Catches an option that is silently ignored, and a value that only the program's fault handler stops."""
    check_refused(client.post(f"/classify?{query}", files=parts("a")), status, words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is missing"),
        (b"--line--\r\n", "no part"),
        (part('name="picture"; filename="a"'), "last boundary is missing"),
        (part('name="picture"; filename="a"') + part('name="b"; filename="b"')[:90], "last boundary is missing"),
        (part('name="picture"', b"text") + b"--line--", "a file with a name. Received: the field 'picture'"),
        (part('name="picture"; filename=""') + b"--line--", "a file with a name"),
        (part('filename="a"') + b"--line--", '"name" must be provided'),
        (part('name="field"', b"x" * 140_000) + b"--line--", "exceeded"),
        (part('name="p"; filename="a"') + part('name="q"; filename="a"') + b"--line--", "twice: a. Rename"),
        (b"no line at all", "must be multipart/form-data"),
    ],
)
def test_malformed_forms_are_refused(client: TestClient, body: bytes, words: str) -> None:
    """Catches pictures lost because a form broke off or named two alike, and fields taken for pictures."""
    check_refused(client.post("/classify", content=body, headers=BOUNDARY), 400, words)


def test_boxes_are_for_one_picture(client: TestClient) -> None:
    """Catches the boxes of one photograph cut out of another."""
    answer = client.post("/classify?boxes=[[0,0,9,9]]", files=parts("a", "b"))
    check_refused(answer, 400, "one picture. Received: 2")


@pytest.mark.parametrize("charset", ["idna", "undefined", "utf-7", "raw_unicode_escape", "base64", "no-such"])
def test_no_charset_of_the_names_is_a_fault_of_ours(client: TestClient, charset: str) -> None:
    """Catches a codec of Python's that raises, or that gives half a surrogate pair, which no JSON can hold."""
    body = part('name="p"; filename="\\ud800+2AA-xn--\xff.png"') + b"--line--"
    headers = {"Content-Type": f"multipart/form-data; boundary=line; charset={charset}"}
    answer = client.post("/classify", content=body, headers=headers)
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": "application/json"}])
def test_other_bodies_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    """Catches a body of another kind taken for a picture."""
    check_refused(client.post("/classify", content=encode(), headers=headers), 415, "multipart/form-data", "image/*")


def test_an_empty_body_is_refused(client: TestClient) -> None:
    """Catches a request without a picture that is answered as if it had a damaged one."""
    check_refused(client.post("/classify", content=b"", headers=IMAGE), 400, "0 bytes")


@pytest.mark.parametrize("headers", [IMAGE, BOUNDARY])
@pytest.mark.parametrize(("length", "read"), [(None, 20), ("10", 20), ("200000", 20), ("200001", 0)])
def test_large_requests_are_refused_whatever_their_length_says(
    pool: ModelPool, headers: dict[str, str], length: str | None, read: int
) -> None:
    """Catches a limit that trusts Content-Length, or that reads everything before it refuses."""
    pieces = [part('name="a"; filename="a"', bytes(10_000))] + [bytes(10_000)] * 49
    stated = {} if length is None else {"Content-Length": length}
    status, message, unread = ask_in_pieces(pool, SETTINGS, headers | stated, pieces)
    assert status == 413
    assert "200,000" in message
    assert "--max-megabytes" in message
    assert 50 - unread == read


def test_a_request_of_just_the_limit_is_read(client: TestClient) -> None:
    """Catches a limit that is off by one."""
    padded = encode() + bytes(200_000 - len(encode()))
    assert client.post("/classify", content=padded, headers=IMAGE).status_code == 200
    assert client.post("/classify", content=padded + b"0", headers=IMAGE).status_code == 413


def test_many_pictures_need_several_requests(client: TestClient) -> None:
    """Catches a request that holds the workers for as long as it likes."""
    assert client.post("/classify", files=parts(*"abcdefgh")).status_code == 200
    check_refused(client.post("/classify", files=parts(*"abcdefghi")), 413, "8 pictures", "several requests")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/classify", 405), ("POST", "/health", 405), ("GET", "/", 404), ("POST", "/classify/", 404)],
)
def test_wrong_routes_name_the_right_ones(client: TestClient, method: str, path: str, status: int) -> None:
    """Catches an answer in another format than JSON, and a redirect to a Host that the client named."""
    answer = client.request(method, path, follow_redirects=False)
    check_refused(answer, status, "POST /classify", f"Received: {method} {path}.")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "a]:1:2"])
def test_foreign_hosts_are_refused_on_loopback(client: TestClient, host: str) -> None:
    """Catches DNS rebinding: a web page that reads our answers through a name of its own."""
    check_refused(client.get("/health", headers={"Host": host}), 400, "localhost", f"Received: {host}.")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000"])
def test_names_of_loopback_are_accepted(client: TestClient, host: str) -> None:
    """Catches a port, a bracket or a capital letter that locks the user out."""
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_any_host_is_accepted_where_the_user_opened_the_server(start: Callable[..., TestClient]) -> None:
    """Catches a server on a network that answers no name of its own."""
    assert allowed_hosts("0.0.0.0") is None
    assert allowed_hosts("server.example") is None
    assert start(hosts=None).get("/health", headers={"Host": "server.example"}).status_code == 200


def test_a_busy_server_says_when_to_come_again(start: Callable[..., TestClient]) -> None:
    """Catches a queue without an end, and one that stays full when its requests are done."""
    client, answers = start(most_requests=1), []
    signal_workers(signal.SIGSTOP)
    first = threading.Thread(target=lambda: answers.append(client.post("/classify", files=parts("a"))))
    first.start()
    wait_until(lambda: 'in_flight{route="/classify"} 1' in client.get("/metrics").text)
    refused = client.post("/classify", files=parts("a"))
    signal_workers(signal.SIGCONT)
    first.join(FEW_SECONDS)
    check_refused(refused, 503, "again later")
    assert refused.headers["retry-after"] == "1"
    assert answers[0].status_code == 200
    assert client.post("/classify", files=parts("a")).status_code == 200


def test_a_slow_picture_is_given_up_and_its_worker_comes_back(
    start: Callable[..., TestClient], tiny_model: Path, classifier: Classifier
) -> None:
    """Catches a client that waits for ever, a decoder that holds a worker for minutes, and one that waits too long."""
    limits = replace(SETTINGS.limits, seconds=1.0)
    others = multiprocessing.active_children()
    with contextlib.closing(ModelPool(WorkerSettings(tiny_model, limits=limits), 1, classifier.card)) as pool:
        client = start(pool, limits=limits)
        [worker] = [child for child in multiprocessing.active_children() if child not in others]
        os.kill(worker.pid or 0, signal.SIGSTOP)
        answers: list[Any] = []
        both = [
            threading.Thread(target=lambda: answers.append(client.post("/classify", files=parts("a")))) for _ in "12"
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(FEW_SECONDS)
        busy, slow = sorted(answers, key=lambda answer: -answer.status_code)
        check_refused(busy, 503, "workers are busy")
        assert slow.status_code == 422
        assert "takes longer than 1 s" in slow.json()["a"]["error"]
        assert not worker.is_alive()
        wait_until(lambda: client.post("/classify", files=parts("a")).status_code == 200)


@pytest.mark.slow
def test_a_worker_that_was_killed_costs_no_answer(start: Callable[..., TestClient]) -> None:
    """Catches a lack of memory that is blamed on a picture, or that ends the service bit by bit."""
    client = start()
    signal_workers(signal.SIGKILL)
    assert [client.post("/classify", files=parts("a")).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "application/x-www-form-urlencoded"])
def test_a_body_without_a_type_is_told_by_its_content(client: TestClient, kind: str) -> None:
    """Catches clients that can't name a type, as curl --data-binary, and a form that is called a damaged picture."""
    headers = {"Content-Type": kind}
    assert client.post("/classify", content=encode(), headers=headers).json()["image"]["result"] == "red"
    check_refused(client.post("/classify", content=b"a=1", headers=headers), 415, "image/*")


def test_a_slow_client_is_given_up(pool: ModelPool) -> None:
    """Catches a client that sends a byte a minute and so holds a place for ever."""
    status, message, _ = ask_in_pieces(pool, replace(SETTINGS, read_seconds=0.05), IMAGE, [encode()])
    assert status == 408
    assert "within 0.05 seconds" in message


def test_a_fault_of_ours_is_500_and_json(start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a traceback sent to the client, and a fault that is not counted."""
    monkeypatch.setattr("inference.service.app.Upload", lambda *_, **__: 1 / 0)
    client = start()
    check_refused(client.post("/classify", files=parts("a")), 500, "its log tells more")
    assert 'requests_total{route="/classify",status="500"} 1' in client.get("/metrics").text


@pytest.mark.slow
def test_random_bytes_never_give_a_fault_of_ours(client: TestClient) -> None:
    """Catches a body, a name or an option that ends in a traceback."""
    dice = random.Random(11)
    good = part('name="p"; filename="a.png"') + b"--line--\r\n"
    seen = set()
    for _ in range(300):
        body = bytearray(dice.choice([good, encode(), dice.randbytes(60), good + good]))
        for _ in range(dice.randrange(6)):
            place = dice.randrange(len(body))
            body[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        value = dice.choice(["2", "[[0,0,9,9]]", dice.randbytes(4).decode("latin-1")])
        query = {dice.choice(["top", "boxes", "name"]): value}
        headers = dice.choice([IMAGE, BOUNDARY, {"Content-Type": dice.randbytes(5).hex()}])
        seen.add(client.post("/classify", content=bytes(body), headers=headers, params=query).status_code)
    assert seen <= {200, 400, 413, 415, 422}
    assert {200, 400, 415, 422} <= seen


def test_nothing_stays_on_the_disk(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches uploads that are kept, or written under a name that the client chose."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    large = encode() + bytes(150_000)  # beyond what is held in memory
    assert client.post("/classify", files=parts("a.png", data=large)).status_code == 200
    assert client.post("/classify?name=a.png", content=large, headers=IMAGE).status_code == 200
    assert list(tmp_path.iterdir()) == []
