"""The page as the service gives it: its files and nothing else, under the types that browsers insist on."""

import shutil
import socket
import ssl
import subprocess
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import segno
from starlette.applications import Starlette
from starlette.testclient import TestClient

from inference.errors import InputError
from inference.service import page, server
from inference.service.address import network_name, phone_hint
from inference.service.page import NOT_BUILT, find_page, is_built, page_routes
from inference.service.serve import main as serve

ROOT = Path(__file__).parent.parent
TYPES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "manifest.webmanifest": "application/manifest+json",
    "icon.svg": "image/svg+xml",
    "wasm/litert.wasm": "application/wasm",
}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return a folder like that which `make web` builds."""
    for name in TYPES:
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return tmp_path / "dist"


@pytest.fixture
def client(built: Path, tmp_path: Path) -> TestClient:
    (tmp_path / "any name.tflite").write_bytes(b"network")
    return TestClient(Starlette(routes=page_routes(tmp_path / "any name.tflite", built)), base_url="http://localhost")


def test_files_come_with_the_types_that_browsers_insist_on(client: TestClient) -> None:
    """Faults: WebAssembly or a module that a system's own table calls text/plain: the page stays empty."""
    for name, media_type in TYPES.items():
        answer = client.get(f"/{name}")
        assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, name, media_type)
    assert client.get("/").text == "index.html"
    assert client.get("/model.tflite").content == b"network"


def test_the_page_is_isolated_where_browsers_allow_it(client: TestClient) -> None:
    """Faults: threads that are forbidden on a trusted page, an error in the console of every phone on plain HTTP."""
    isolated = {"http://localhost:8000": True, "http://127.0.0.1": True, "https://phone.example": True}
    for origin, expected in {**isolated, "http://192.0.2.7:8000": False}.items():
        headers = client.get(f"{origin}/app.js").headers
        found = headers.get("cross-origin-opener-policy"), headers.get("cross-origin-embedder-policy")
        assert found == (("same-origin", "require-corp") if expected else (None, None)), origin


def test_nothing_else_is_served(client: TestClient) -> None:
    """Faults: a path that leads out of the folder."""
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/wasm/../../secret.txt", "/wasm"):
        assert client.get(path).status_code == 404


def test_what_a_browser_has_is_not_sent_again(client: TestClient, built: Path) -> None:
    """Faults: nine megabytes at each visit, or an old page after a new one was built."""
    tag = client.get("/app.js").headers["etag"]
    answer = client.get("/app.js", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    (built / "app.js").write_text("a newer one", encoding="utf-8")
    assert client.get("/app.js", headers={"If-None-Match": tag}).text == "a newer one"


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    """Faults: an error about a route, or a server that does not start, where only the page is missing."""
    assert not is_built(tmp_path)
    answer = TestClient(Starlette(routes=page_routes(tmp_path / "model.tflite", tmp_path))).get("/")
    assert (answer.status_code, answer.text) == (404, NOT_BUILT)
    assert "make web" in NOT_BUILT


def test_the_page_of_a_release_is_found_beside_the_program(built: Path, tmp_path: Path) -> None:
    """Faults: a copied folder inference without a page; a zip that hides the page just built; damage untold."""
    packed = [tmp_path / "web" / "page.zip", tmp_path / "page.zip"]
    assert find_page(tmp_path / "a", tmp_path / "none", packed) == tmp_path / "none"
    shutil.make_archive(str(packed[1].with_suffix("")), "zip", built)
    assert find_page(tmp_path / "b", built, packed) == built
    page = find_page(tmp_path / "c", tmp_path / "none", packed)
    client = TestClient(Starlette(routes=page_routes(tmp_path / "model.tflite", page)), base_url="http://localhost")
    assert client.get("/wasm/litert.wasm").text == "wasm/litert.wasm"
    packed[1].write_bytes(packed[1].read_bytes()[:-40])
    with pytest.raises(InputError, match=r"page\.zip: is damaged"):
        find_page(tmp_path / "d", tmp_path / "none", packed)


def test_the_hint_is_an_address_that_a_phone_can_open() -> None:
    """Faults: 0.0.0.0 in the code, a port or a scheme that is lost."""
    hint = phone_hint("0.0.0.0", 8123, secure=True)
    address = hint.splitlines()[0].split(": ", 1)[1]
    assert address == f"https://{network_name()}:8123/"
    socket.inet_aton(network_name())
    code = segno.make(address, error="m", micro=False)
    assert len(hint.splitlines()) - 1 == pytest.approx((code.symbol_size()[1]) / 2, abs=1)
    assert "http://[fe80::1]:1/" in phone_hint("fe80::1", 1, secure=False)


@pytest.mark.slow
def test_https_needs_a_certificate_and_its_key(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: a traceback for a wrong file, plain HTTP where a person asked for HTTPS."""
    (tmp_path / "cert.pem").write_text("no certificate", encoding="utf-8")
    cases = {
        ("--certificate", str(tmp_path / "cert.pem")): "Give both --certificate and --key",
        (
            "--certificate",
            str(tmp_path / "cert.pem"),
            "--key",
            str(tmp_path / "cert.pem"),
        ): "no certificate and its key",
    }
    for words, message in cases.items():
        command = [sys.executable, "-m", "inference.service.serve", str(tiny_model), "--port", "0", *words]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert (answer.returncode, message in answer.stderr) == (2, True), answer.stderr


def test_https_is_served(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: a certificate that is read and not used."""
    from benchmarks.service import running_service

    files = [str(tmp_path / name) for name in ("cert.pem", "key.pem")]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    try:
        subprocess.run([*request, "-out", files[0], "-keyout", files[1]], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("openssl is missing")
    with running_service(tiny_model, "--certificate", files[0], "--key", files[1]) as (_, address):
        assert address.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=files[0])
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), 30) as plain,
            context.wrap_socket(plain) as secure,
        ):
            secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(100).startswith(b"HTTP/1.1 200")


def test_the_page_gets_the_model_that_answers(
    tiny_model: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: a model replaced beside a running server is the page's but not /classify's; one that is loaded anew."""
    model, served = tmp_path / "model.tflite", []
    shutil.copy2(tiny_model, model)

    def ask(app: Starlette, *_: object) -> None:
        model.write_bytes(b"another")
        served.append(TestClient(app, base_url="http://localhost").get("/model.tflite"))

    monkeypatch.setattr(page, "find_page", lambda folder: built)
    monkeypatch.setattr(server, "serve", ask)
    assert serve([str(model), "--port", "0", "--workers", "1"]) == 0
    (answer,) = served
    assert answer.content == tiny_model.read_bytes()
    assert parsedate_to_datetime(answer.headers["last-modified"]).timestamp() == int(tiny_model.stat().st_mtime)


def test_all_addresses_are_those_of_ipv4_too() -> None:
    """Fault: --host :: tells a phone an address of IPv4 on which nothing listens."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with server.open_socket("::", 0) as listening:
        socket.create_connection(("127.0.0.1", listening.getsockname()[1]), timeout=10).close()
