"""--video: coloured squares that move before a grey wall are found where and when they are, and named."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inference.errors import InputError
from inference.model.classifier import Classifier
from inference.pictures.limits import Limits
from inference.pictures.regions import Box
from inference.video.frames import DamagedVideoError, classify_video, read_frames
from inference.video.motion import MotionFinder, VideoSettings
from tests.tiny_model import COLOURS

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT, RATE, SIDE = 160, 120, 10, 24
QUICK = VideoSettings(warm_up_frames=5)
RED, GREEN = range(10, 20), range(25, 35)  # frames with a square of that colour


def wall(level: int = 128, seed: int = 0) -> np.ndarray:
    """Return a grey wall as a camera sees it: uint8 [height, width, 3] with noise."""
    noise = np.random.default_rng(seed).normal(level, 3, (HEIGHT, WIDTH, 1))
    return np.clip(np.repeat(noise, 3, axis=2), 0, 255).astype(np.uint8)


def with_square(frame: np.ndarray, left: int, top: int = 40, colour: tuple[int, ...] = COLOURS["red"]) -> np.ndarray:
    frame[top : top + SIDE, left : left + SIDE] = colour
    return frame


def place(number: int) -> int:
    """Return the left edge of the square in a frame of the film: it moves by 8 pixels each."""
    return 8 * (number - (RED if number in RED else GREEN).start) + 20


def film() -> Iterator[np.ndarray]:
    """Yield 40 frames: nothing, a red square that moves right, nothing, a green one, nothing."""
    for number in range(40):
        frame = wall(seed=number)
        if number in RED or number in GREEN:
            with_square(frame, place(number), colour=COLOURS["red" if number in RED else "green"])
        yield frame


def write_video(path: Path, frames: Iterable[np.ndarray]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    return path


def regions(frames: Iterable[np.ndarray], **settings: Any) -> list[list[Box]]:
    """Return the moving regions of each frame."""
    finder = MotionFinder(dataclasses.replace(QUICK, **settings))
    return [finder.find(frame) for frame in frames]


def is_near(box: Box, left: int, top: int = 40, width: int = SIDE, height: int = SIDE) -> bool:
    return all(abs(found - true) <= 3 for found, true in zip(box, (left, top, width, height), strict=True))


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> Classifier:
    return Classifier(tiny_model)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "film.avi", film())


class FakeCapture:
    """A camera or a file of grey frames with these timestamps in milliseconds; it ends after them."""

    opened: "list[FakeCapture]" = []  # noqa: RUF012 - emptied by the fixture
    stamps: tuple[float, ...] = ()
    rate = 10.0
    at_frame: dict[int, Callable[[], None]] = {}  # noqa: RUF012 - replaced by tests

    def __init__(self, *source: object) -> None:
        self.number = -1
        self.is_released = False
        self.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def grab(self) -> bool:
        self.number += 1
        self.at_frame.get(self.number, lambda: None)()
        return self.number < len(self.stamps)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, wall()

    def get(self, name: int) -> float:
        values = {cv2.CAP_PROP_FPS: self.rate, cv2.CAP_PROP_FRAME_COUNT: len(self.stamps)}
        return self.stamps[self.number] if name == cv2.CAP_PROP_POS_MSEC else values.get(name, 0.0)

    def set(self, name: int, value: float) -> bool:
        return False

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def fake_capture(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    monkeypatch.setattr(FakeCapture, "opened", [])
    monkeypatch.setattr(FakeCapture, "at_frame", {})
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    return FakeCapture


def test_squares_are_named_where_and_when_they_move(classifier: Classifier, video: Path) -> None:
    """Catches red and blue swapped, boxes off their object, times of another frame and regions where nothing moves."""
    answers = list(classify_video(classifier, str(video), settings=QUICK))
    assert [answer["frame"] for answer in answers] == [*RED, *GREEN]
    for answer in answers:
        (region,) = answer["regions"]
        assert answer["time"] == answer["frame"] / RATE
        assert region["result"] == ("red" if answer["frame"] in RED else "green")
        assert region["confidence"] > 0.9
        assert is_near(region["box"], place(answer["frame"])), answer


def test_every_nth_frame_keeps_its_own_number_and_time(classifier: Classifier, video: Path) -> None:
    """Catches frames that are counted anew after some were left out."""
    settings = dataclasses.replace(QUICK, warm_up_frames=3)
    answers = list(classify_video(classifier, str(video), every=3, settings=settings))
    assert [answer["frame"] for answer in answers] == [12, 15, 18, 27, 30, 33]
    assert [answer["time"] for answer in answers] == [1.2, 1.5, 1.8, 2.7, 3.0, 3.3]
    assert all(is_near(answer["regions"][0]["box"], place(answer["frame"])) for answer in answers)


def test_the_best_labels_are_listed(classifier: Classifier, video: Path) -> None:
    """Catches --top that is lost on its way to a video's regions."""
    first = next(classify_video(classifier, str(video), top=2, settings=QUICK))
    assert [entry["label"] for entry in first["regions"][0]["top"]] == ["red", "background"]


def test_noise_alone_is_no_movement() -> None:
    """Catches specks of a dark room's noise taken for objects."""
    assert not any(regions(wall(seed=number) for number in range(30)))


@pytest.mark.parametrize("level", [60, 90, 170, 230])
def test_a_light_switched_on_or_off_is_no_region(level: int) -> None:
    """Catches the whole frame as one giant region, and a background that is never learnt again."""
    frames = [wall(seed=number) for number in range(10)] + [wall(level, number) for number in range(15)]
    frames[20] = with_square(frames[20], 50)
    found = regions(frames)
    assert [number for number, boxes in enumerate(found) if boxes] == [20]
    assert is_near(found[20][0], 50)


def test_a_shadow_is_no_part_of_its_object() -> None:
    """Catches a box that holds more shadow than object."""
    frames = [wall(seed=number) for number in range(8)]
    shadow = frames[7][60:80, 60:110]
    shadow[:] = (shadow * 0.8).astype(np.uint8)
    (box,) = regions([*frames[:7], with_square(frames[7], 40)])[7]
    assert is_near(box, 40)


def test_pieces_of_one_object_are_one_region_and_two_objects_are_two() -> None:
    """Catches an object with a stripe of the wall's colour cut in two, and neighbours thrown together."""
    striped = with_square(wall(), 20)
    striped[40 : 40 + SIDE, 31:33] = 128
    with_square(striped, 100, 70)
    found = regions([wall(seed=number) for number in range(6)] + [striped])[6]
    assert len(found) == 2
    assert is_near(found[0], 20)
    assert is_near(found[1], 100, 70)


@pytest.mark.parametrize(
    ("bars", "whole"),
    [
        ([(20, 20, 26, 90), (20, 84, 90, 90), (40, 40, 60, 60)], (20, 20, 70, 70)),  # an L round a square
        ([(20, 20, 60, 60), (20, 70, 42, 104), (80, 4, 84, 80), (50, 4, 84, 8)], (20, 4, 64, 100)),
    ],
)
def test_nested_and_chained_boxes_become_one(bars: list[Box], whole: tuple[int, ...]) -> None:
    """Catches overlapping boxes that are left because a merge, in the second case the last, made them overlap."""
    frame = wall()
    for left, top, right, bottom in bars:
        frame[int(top) : int(bottom), int(left) : int(right)] = COLOURS["red"]
    (box,) = regions([wall(seed=number) for number in range(6)] + [frame])[6]
    assert is_near(box, *whole)


def test_small_regions_are_left_out_by_share_of_the_frame() -> None:
    """Catches a least area that is compared with pixels or sides: 24 x 24 is 3 % of 160 x 120."""
    frames = [wall(seed=number) for number in range(6)] + [with_square(wall(), 50)]
    assert len(regions(frames, least_area=0.02)[6]) == 1
    assert len(regions(frames, least_area=0.05)[6]) == 0


def test_of_too_many_regions_the_largest_are_kept() -> None:
    """Catches a swarm that stops a camera's loop, and the smallest kept instead of the largest."""
    frame = with_square(wall(), 60)
    for left in (5, 30, 100, 130):
        frame[90:100, left : left + 10] = COLOURS["blue"]
    (box,) = regions([wall(seed=number) for number in range(6)] + [frame], most_regions=1)[6]
    assert is_near(box, 60)


def test_what_moves_from_the_first_frame_on_leaves_no_ghost() -> None:
    """Catches a background with the object in it: the place that it left would be a region for a long time."""
    found = regions(with_square(wall(seed=number), 10 + 13 * number) for number in range(10))
    assert [len(boxes) for boxes in found] == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert all(is_near(boxes[0], 10 + 13 * number) for number, boxes in enumerate(found) if boxes)


def test_what_stands_still_becomes_background_after_the_stated_time() -> None:
    """Catches a parked car that is reported for ever, and one that is forgotten while it still drives in."""
    frames = [wall(seed=number) for number in range(6)] + [with_square(wall(seed=number), 50) for number in range(60)]
    lasted = sum(1 for boxes in regions(frames, absorb_frames=30) if boxes)
    assert 25 <= lasted <= 35


def test_boxes_are_in_pixels_of_the_whole_frame() -> None:
    """Catches boxes in pixels of the reduced frame, or with x and y scaled alike for an odd size."""
    frames = [wall(seed=number) for number in range(6)] + [with_square(wall(), 100, 70)]
    large = [cv2.resize(frame, (1000, 600), interpolation=cv2.INTER_NEAREST) for frame in frames]  # x 6.25, y 5
    ((left, top, width, height),) = regions(large, working_side=160)[6]
    assert (left, top) == pytest.approx((625, 350), abs=13)
    assert (width, height) == pytest.approx((150, 120), abs=13)


@pytest.mark.parametrize("before", [2, 8])  # during the warm-up of 5 frames and after it
def test_a_stream_may_change_its_size(before: int) -> None:
    """Catches a crash, or a first frame of the new size taken for movement."""
    small = [frame[:100, :140] for frame in (wall(seed=number) for number in range(10))]
    found = regions([wall(seed=number) for number in range(before)] + small + [with_square(small[0].copy(), 50)])
    assert [len(boxes) for boxes in found] == [0] * (before + 10) + [1]


def test_times_are_the_containers(fake_capture: type[FakeCapture], video: Path) -> None:
    """Catches times of an even rate for a phone's video, whose rate changes."""
    fake_capture.stamps = (0.0, 40.0, 90.0, 700.0)
    assert [frame.seconds for frame in read_frames(str(video))] == pytest.approx([0.0, 0.04, 0.09, 0.7])


@pytest.mark.parametrize("stamps", [(0.0, 0.0, 0.0, 0.0), (-5.0, -5.0, -5.0, -5.0), (float("nan"),) * 4])
def test_without_timestamps_the_rate_gives_the_times(
    stamps: tuple[float, ...], fake_capture: type[FakeCapture], video: Path
) -> None:
    """Catches a video of which every frame is at time 0, or at no number."""
    fake_capture.stamps = stamps
    assert [frame.seconds for frame in read_frames(str(video))] == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_time_never_runs_back(fake_capture: type[FakeCapture], video: Path) -> None:
    """Catches times out of order where a file was glued together from two."""
    fake_capture.stamps = (0.0, 100.0, 200.0, 0.0, 100.0)
    assert [frame.seconds for frame in read_frames(str(video))] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_a_truncated_video_gives_what_is_there_and_a_fault(classifier: Classifier, video: Path, tmp_path: Path) -> None:
    """Catches half a video's results that pass for the whole, and a fault that loses them."""
    cut = tmp_path / "cut.avi"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size * 5 // 8])
    answers = []
    with pytest.raises(DamagedVideoError, match=r"cut\.avi: ends after 2\.\d of 4\.0 seconds"):
        answers.extend(_kept(classify_video(classifier, str(cut), settings=QUICK), answers))
    assert [answer["frame"] for answer in answers] == list(RED)


def _kept(found: Iterator[Any], kept: list[Any]) -> list[Any]:
    for one in found:
        kept.append(one)  # noqa: PERF402 - what came before the fault must stay
    return []


def test_a_whole_video_has_no_fault(video: Path) -> None:
    """Catches frames lost at the end, and a warning for a sound file."""
    assert [frame.number for frame in read_frames(str(video))] == list(range(40))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.avi", b"no video", "text.avi: is no video that OpenCV can read. Convert it"),
        ("empty.mp4", b"", "empty.mp4: is no video that OpenCV can read. Convert it"),
        ("nowhere.avi", None, "nowhere.avi: does not exist. Give a video file or the number of a camera"),
    ],
)
def test_what_is_no_video_is_refused(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    """Catches a traceback, or an empty result that passes for a video without movement."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as fault:
        list(read_frames(str(tmp_path / name)))
    assert message in str(fault.value)


def test_opencv_and_ffmpeg_are_silent(video: Path, tmp_path: Path) -> None:
    """Catches OpenCV's and FFmpeg's own warnings, one for each way that failed, beside the one message of ours."""
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "cut.avi").write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    for source in (tmp_path / "empty.mp4", tmp_path / "cut.avi", "987"):
        program = f"from inference.video.frames import read_frames\ntry: list(read_frames({str(source)!r}))\n"
        program += "except Exception as fault: print(type(fault).__name__, end='')"
        answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
        assert answer.stdout in ("InputError", "DamagedVideoError")
        assert answer.stderr == ""


def test_a_camera_that_is_not_there_is_refused() -> None:
    """Catches a run that waits or ends without a word."""
    with pytest.raises(InputError, match=r"^987: there is no such camera\. Connect it"):
        list(read_frames("987"))


def test_frames_that_are_too_large_are_refused(video: Path) -> None:
    """Catches a video that takes all memory."""
    assert next(read_frames(str(video), limits=Limits(pixels=WIDTH * HEIGHT))).number == 0
    with pytest.raises(InputError, match="is too large: 160 x 120 pixels"):
        list(read_frames(str(video), limits=Limits(pixels=WIDTH * HEIGHT - 1)))


def test_without_opencv_the_remedy_is_named(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a traceback on a machine that has only what the runner needs."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InputError, match=r"a video needs OpenCV: .*-r inference/requirements-video\.txt"):
        list(read_frames(str(video)))


def test_ctrl_c_ends_a_camera_and_loses_nothing(fake_capture: type[FakeCapture]) -> None:
    """Catches KeyboardInterrupt in place of the results, a camera that stays on, and Ctrl-C that stays caught."""
    before = signal.getsignal(signal.SIGINT)
    fake_capture.stamps = (0.0,) * 100
    fake_capture.at_frame = {4: lambda: os.kill(os.getpid(), signal.SIGINT)}
    frames = list(read_frames("0"))
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].seconds == 0
    assert [frame.seconds for frame in frames] == sorted(frame.seconds for frame in frames)
    assert fake_capture.opened[0].is_released
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_stops_the_program(fake_capture: type[FakeCapture]) -> None:
    """Catches a camera that hangs and that nobody can stop."""
    fake_capture.stamps = (0.0,) * 100

    def interrupt_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    fake_capture.at_frame = {4: interrupt_twice}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            list(read_frames("0"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert fake_capture.opened[0].is_released


def test_a_camera_that_is_unplugged_is_a_fault_after_its_frames(fake_capture: type[FakeCapture]) -> None:
    """Catches a broken cable that passes for the end of the day."""
    fake_capture.stamps = (0.0,) * 3
    frames: list[Any] = []
    with pytest.raises(DamagedVideoError, match=r"camera 0: gives no more pictures\. Connect it again"):
        _kept(read_frames("0"), frames)
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert fake_capture.opened[0].is_released


def test_a_consumer_that_stops_early_lets_go_of_the_camera(fake_capture: type[FakeCapture]) -> None:
    """Catches a camera whose light stays on after its program is done with it."""
    before = signal.getsignal(signal.SIGINT)
    fake_capture.stamps = (0.0,) * 100
    frames = read_frames("0")
    next(frames)
    assert not fake_capture.opened[0].is_released
    frames.close()
    assert fake_capture.opened[0].is_released
    assert signal.getsignal(signal.SIGINT) is before
