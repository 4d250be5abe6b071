"""The page in Chromium, served as a person would: the runner's answers, offline, by keyboard, on a phone's screen."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import ROOT, find_chromium, find_node
from benchmarks.service import running_service
from inference.model.answers import answer_picture
from inference.model.artefact import pack_artefact, read_artefact
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_resized
from inference.pictures.listing import Picture
from inference.service.address import network_name
from inference.verify.observe import with_vectors
from inference.verify.vectors import VECTORS_NAME, read_vectors, vectors_to_file
from pipeline.drawn.scenes.dataset import draw_scene
from tests.drawn_pictures import SEED, drawn_pictures
from tests.open_model import ADDED, TRAINED, make_pictures, write_enrolled_model
from tests.tiny_detector import write_detector
from tests.web_tools import PAGE, SCRIPTS, needs_browser, run_node

pytestmark = needs_browser
RELEASED = sorted((ROOT / "models" / "released").glob("*.tflite"))
MINERALS = next(path for path in RELEASED if path.stem == "minerals")
COUNT = 50
SIZE = (96, 80)  # for the pixels: height and width differ, so that a swap shows
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder, to draw those of the documentation anew


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return files of drawn pictures: PNG and JPEG in turn."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{number:03}.{'jpg' if number % 2 else 'png'}" for number in range(COUNT)]
    for path, pixels in zip(paths, drawn_pictures(COUNT), strict=True):
        Image.fromarray(pixels).save(path, quality=95)
    return paths


@pytest.fixture(scope="module", params=RELEASED, ids=lambda path: path.stem)
def session(
    request: pytest.FixtureRequest,
    pictures: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Any]]:
    """Give what a person saw who used the page with a released model; see tests/web/session.mjs."""
    folder = tmp_path_factory.mktemp("session")
    scene = draw_scene(SEED, 3)
    photograph = folder / "photograph.jpg"
    Image.fromarray(scene.pixels).resize((960, 720) if scene.pixels.shape[1] > 300 else (720, 960)).save(photograph)
    box = scene.boxes[0]
    height, width = scene.pixels.shape[:2]
    shares = [box.x / width, box.y / height, (box.x + box.width) / width, (box.y + box.height) / height]
    (folder / "broken.jpg").write_text("no picture", encoding="utf-8")
    settings = {
        "broken": str(folder / "broken.jpg"),
        "other": str(write_enrolled_model(folder / "enrolled.tflite")),
        "colours": [str(path) for path in sorted(write_colours(folder / "colours"))],
        "chromium": find_chromium(),
        "pictures": [str(path) for path in pictures],
        "first": str(photograph),
        "box": shares,
        "screenshots": SCREENSHOTS if request.param.stem == "minerals" else "",
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    report = _hold_session(request.param, folder / "settings.json")
    for path in Path(settings["screenshots"]).glob("phone_*.png") if settings["screenshots"] else ():
        Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
    yield {**report, "model": request.param, "settings": settings, "photograph": photograph, "shares": shares}


def write_colours(folder: Path) -> Iterator[Path]:
    """Write pictures of colours: those of the model's classes, and violet, which it does not know."""
    folder.mkdir()
    for name, colour in (TRAINED | ADDED).items():
        for number, pixels in enumerate(make_pictures(colour, 3, seed=5)):
            path = folder / f"{name}_{number}.png"
            Image.fromarray(pixels).save(path)
            yield path


def _hold_session(model: Path, settings: Path) -> dict[str, Any]:
    """Run the session; the server is stopped for its last part."""
    with running_service(model) as (server, address):
        command = [str(find_node()), str(SCRIPTS / "session.mjs"), f"{address}/", str(settings)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as person:
            assert person.stderr
            said = person.stderr.readline()
            server.kill()
            server.wait()
            out, errors = person.communicate("go on\n", timeout=120)
    assert said == "offline\n", said + errors
    assert person.returncode == 0, errors
    return dict(json.loads(out), address=address)


def test_answers_are_the_runners(session: dict[str, Any], pictures: list[Path]) -> None:
    """Faults: other pixels, another resize, labels out of order, a score that is left out, another rounding."""
    classifier = Classifier(session["model"])
    expected = {path.name: answer_picture(classifier, Picture(path.name, path)) for path in pictures}
    found = json.loads(session["results"])
    assert list(found) == sorted(expected)
    assert {key: one["result"] for key, one in found.items()} == {key: one["result"] for key, one in expected.items()}
    assert max(abs(found[key]["confidence"] - expected[key]["confidence"]) for key in expected) < 0.02
    assert len({one["result"] for one in found.values()}) > 1


def test_a_dragged_box_is_answered_as_the_runner_answers_it(session: dict[str, Any]) -> None:
    """Faults: a box in the pixels of the screen, without the margin of the training, or of an unturned photograph."""
    whole, boxed = (json.loads(session[key])["photograph.jpg"] for key in ("whole", "boxed"))
    assert "regions" not in whole
    classifier = Classifier(session["model"])
    (region,) = boxed["regions"]
    picture = Picture("photograph.jpg", session["photograph"])
    expected = answer_picture(classifier, picture, boxes=[tuple(region["box"])])
    assert region["result"] == expected["regions"][0]["result"]
    close = pytest.approx(expected["regions"][0]["confidence"], abs=0.004)  # of another margin it would be 0.01 off
    assert region["confidence"] == close
    width, height = Image.open(session["photograph"]).size
    left, top, right, bottom = session["shares"]
    wanted = [left * width, top * height, (right - left) * width, (bottom - top) * height]
    assert region["box"] == pytest.approx(wanted, abs=8)  # a pixel of a phone's screen is three of the photograph's


def test_the_page_works_without_its_server(session: dict[str, Any]) -> None:
    """Faults: a runtime, a model or a script that the service worker does not keep."""
    assert json.loads(session["offline"]) == json.loads(session["whole"])


def test_a_broken_picture_and_a_broken_model_cost_themselves_alone(session: dict[str, Any]) -> None:
    """Faults: a batch that stops, a page without any model after a wrong one, a model that is not exchanged."""
    assert "is no picture that this browser can read" in session["partly"]
    assert "photograph.jpg" in session["partly"]
    assert session["refused"].startswith("This is no TFLite model")
    assert session["other"] == "tiny"


def test_another_model_with_an_added_class_is_answered(session: dict[str, Any]) -> None:
    """Faults: a class that the page does not know of, neighbours or a threshold of the model before."""
    classifier = Classifier(session["settings"]["other"])
    paths = [Path(path) for path in session["settings"]["colours"]]
    expected = {path.name: answer_picture(classifier, Picture(path.name, path)) for path in paths}
    found = json.loads(session["added"])
    assert {key: one["result"] for key, one in found.items()} == {key: one["result"] for key, one in expected.items()}
    assert max(abs(found[key]["confidence"] - expected[key]["confidence"]) for key in expected) < 0.001
    assert {"yellow", "red"} <= {one["result"] for one in found.values()}


def test_the_camera_is_answered(session: dict[str, Any]) -> None:
    """Faults: a video of no size, a stream that is not asked for. Chromium shows a drawn picture as its camera's."""
    card = Classifier(session["model"]).card
    assert session["camera"]["answer"] in {*card.labels, "unknown"}
    assert min(session["camera"]["size"]) > 100


def test_nothing_is_wrong_and_nothing_leaves_the_page(session: dict[str, Any]) -> None:
    """Faults: an exception, a file of the wrong type, a font or a script from elsewhere, a picture that is sent."""
    assert session["console"] == []
    assert {address.split("/")[2] for address in session["requests"] if not address.startswith("blob:")} == {
        session["address"].split("/")[2]
    }
    assert "/classify" not in str(session["requests"])


def test_everyone_can_use_it(session: dict[str, Any]) -> None:
    """Faults: a button without a name, pale text, what no keyboard reaches, a page wider than a phone."""
    assert [session[key] for key in ("empty", "full", "dark")] == [[], [], []]
    assert session["widest"] == 360
    assert session["focus"][:2] == ["take", "choose"]
    assert "model-file" in session["focus"]


def test_what_a_person_waits_for(session: dict[str, Any], pictures: list[Path]) -> None:
    """Print how long the page takes beside the runner, for "pytest -s"; nothing is asserted, machines differ."""
    classifier = Classifier(session["model"])
    start = time.perf_counter()
    for path in pictures:
        answer_picture(classifier, Picture(path.name, path))
    runner = 1000 * (time.perf_counter() - start) / COUNT
    page = session["all"] / COUNT
    print(
        f"\n{session['model'].stem}: page ready after {session['start']:.0f} ms, first result "
        f"{session['first']:.0f} ms after choosing; {page:.1f} ms a picture, with table and bars, "
        f"{page / runner:.1f} times the runner's {runner:.1f} ms; last picture: {session['times']}"
    )


def test_a_phone_is_answered_over_plain_http(pictures: list[Path]) -> None:
    """Faults: a hash or a cache that only secure pages have, a camera offered in vain, headers it complains of."""
    name = network_name()
    if name.startswith("127."):
        pytest.skip("this machine is in no network")
    model = MINERALS
    with running_service(model, "--host", "0.0.0.0") as (_, address):
        place = address.replace("0.0.0.0", name)
        found = run_node("plain.mjs", f"{place}/", str(find_chromium()), *map(str, pictures[:6]))
    assert (found["secure"], found["camera"], found["console"]) == (False, False, [])
    classifier = Classifier(model)
    expected = {path.name: answer_picture(classifier, Picture(path.name, path)) for path in pictures[:6]}
    results = json.loads(found["results"])
    assert {key: one["result"] for key, one in results.items()} == {key: one["result"] for key, one in expected.items()}


def write_formats(folder: Path) -> dict[str, int]:
    """Write pictures that are stored in unusual ways; return how far each level may lie from the runner's."""
    random = np.random.default_rng(3)
    small = Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8))
    picture = small.resize((240, 180), Image.Resampling.BICUBIC)
    allowed = {}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(folder / f"turned_{orientation}.jpg", exif=exif, quality=95)
        allowed[f"turned_{orientation}.jpg"] = 3
    large = picture.resize((1931, 1445), Image.Resampling.BICUBIC)  # the runner decodes an eighth, the page all of it
    large.save(folder / "large.jpg", exif=exif, quality=95)
    allowed["large.jpg"] = 4
    alpha = Image.fromarray(random.integers(0, 256, (18, 24), np.uint8)).resize(picture.size)
    clear = picture.copy()
    clear.putalpha(alpha)
    clear.save(folder / "alpha.png")
    clear.save(folder / "alpha.webp", lossless=True)
    picture.save(folder / "plain.png")
    picture.save(folder / "plain.bmp")
    picture.convert("L").save(folder / "grey.png")
    picture.quantize(32).save(folder / "palette.gif")
    picture.save(folder / "profile.png", icc_profile=_swapped_profile())
    Image.fromarray(random.integers(0, 65536, (60, 80), np.uint16)).save(folder / "sixteen.png")
    return allowed | {
        **dict.fromkeys(("alpha.png", "alpha.webp"), 2),
        **dict.fromkeys(("plain.png", "plain.bmp", "grey.png", "palette.gif", "profile.png"), 0),
        "sixteen.png": 1,
    }


def _swapped_profile() -> bytes:
    """Return a colour profile that is not sRGB: colours must stay as they are stored."""
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def test_pictures_are_decoded_by_the_runners_rules(tmp_path: Path, tiny_model: Path) -> None:
    """Faults: EXIF that is ignored or applied twice, alpha over black, colours that a profile changes."""
    allowed = write_formats(tmp_path)
    with running_service(tiny_model) as (_, address):
        arguments = [f"{address}/", str(find_chromium()), *map(str, SIZE), *(str(tmp_path / name) for name in allowed)]
        found = run_node("decoding.mjs", *arguments)
    worst = {}
    for name, text in zip(allowed, found, strict=True):
        assert text is not None, name
        pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(*SIZE, 3).astype(int)
        worst[name] = int(np.abs(pixels - read_resized(tmp_path / name, SIZE)).max())
    assert {name: level for name, level in worst.items() if level > allowed[name]} == {}


def test_a_graphics_card_takes_over_only_where_it_answers_alike_and_sooner() -> None:
    """Faults: another scaling or order on the card, a slower or wrong one that is taken all the same, a broken page.

    A card is played by SwiftShader, in software; what is slow or wrong for the trial is so by hand.
    """
    with running_service(MINERALS) as (_, address):
        found = run_node("graphics.mjs", f"{address}/", str(find_chromium()))
    if not found["card"]:
        pytest.skip("this Chromium has no SwiftShader, which comes with Debian's")
    usual, card = (np.array(answers) for answers in found["answers"])
    assert usual.argmax() == card.argmax()
    assert np.abs(usual - card).max() < 0.005
    np.testing.assert_allclose(found["onCard"], card, atol=1e-3)
    assert [found[case] for case in ("different", "fast", "slower", "missing")] == [None] * 4
    assert found["console"] == []


def test_the_modules_types_fit() -> None:
    """Faults: a misspelt property, a missing check for null; TypeScript reads the comments."""
    command = [str(find_node()), str(PAGE / "node_modules" / "typescript" / "bin" / "tsc"), "--project", str(PAGE)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_a_model_that_answers_otherwise_here_is_not_used(tmp_path: Path) -> None:
    """Faults: a browser whose answers are not those of the export, unsaid; a sound model that is refused."""
    boards = read_artefact(write_detector(tmp_path / "boards.tflite"))
    paths = []
    for kind, sound in {"classes": with_vectors(read_artefact(MINERALS)), "boards": boards}.items():
        vectors = read_vectors(sound)
        assert vectors
        wrong = vectors_to_file(replace(vectors, scores=vectors.scores[:, ::-1]))
        for name, artefact in (("sound", sound), ("wrong", replace(sound, files=sound.files | {VECTORS_NAME: wrong}))):
            paths.append(tmp_path / f"{kind}_{name}.tflite")
            paths[-1].write_bytes(pack_artefact(artefact))
    with running_service(MINERALS) as (_, address):
        said = run_node("vectors.mjs", f"{address}/", str(find_chromium()), *map(str, paths))
    for good, bad in (said[:2], said[2:]):
        assert good[0] == "Ready."
        assert bad[0] == ""
        assert "other answers than when it was exported" in bad[1]
