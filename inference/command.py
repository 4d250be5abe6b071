"""One call of the runner: options -> pictures -> answers in a journal -> the files that were asked for."""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .batch.batch import Batch, worker_settings
from .batch.file_names import FileNames, check_replaces_no_input
from .batch.journal import Journal
from .batch.outputs import FORMATS, error_pieces, jsonl_line
from .batch.pool import Answered, answer_all, default_workers
from .batch.progress import BatchProgress
from .batch.result_files import check_outputs, journal_path, output_format, print_text, write_pieces
from .batch.shards import remove_shards
from .batch.worker import WorkerSettings
from .errors import InputError
from .pictures.limits import limits_of
from .pictures.listing import Listing
from .pictures.own_files import OwnFiles
from .program import requirements

if TYPE_CHECKING:  # numpy waits until boxes are asked for
    from .boxes.files import BoxFile

SHARDS_SUFFIX = ".shards"
_MOST_SAID = 10  # remarks on a file of boxes: that of a whole data set may be used with a few of its photographs


def classify(options: argparse.Namespace) -> int:
    """Classify pictures as the options say; return the exit code.

    Raises:
        InputError: wrong usage, before any work.
    """
    if not options.images:
        raise InputError("there is nothing to classify. Give pictures, or a folder of them, after the model.")
    if options.every != 1:
        raise InputError("--every counts the frames of a video. Give --video, or leave it out.")
    if isinstance(options.out, str) or options.format == "parquet" or any("://" in word for word in options.images):
        return _classify_stored(options)
    _check_outputs(options)
    settings = worker_settings(options)
    header = _journal_header(options)
    with ExitStack() as stack:
        own = OwnFiles(_written(options))
        listing = Listing(options.images, own=own)
        boxes = _read_boxes(options, listing)
        names = FileNames(listing if options.masks or options.scores else ())
        check_replaces_no_input(options, listing, names)
        journal = _open_journal(options, header, stack)
        stack.callback(journal.close)
        forgotten = journal.forget_changed(listing) if options.resume else 0
        progress = BatchProgress(_work(listing, boxes, journal), options.quiet)
        if forgotten:
            progress.say(f"answers of {forgotten} pictures that have changed or vanished since are not used")
        for remark in own.remarks():
            progress.say(remark)
        batch = Batch(options, listing, boxes, journal, progress, names)
        try:
            with batch.progress:
                _answer(batch, settings)
            return _finish(batch)
        except KeyboardInterrupt:
            batch.progress.say(_stopped(batch))
            return 1


def _classify_stored(options: argparse.Namespace) -> int:
    try:
        from .objects.command import classify_stored  # pyarrow, which comes with Ray
    except ImportError as fault:
        raise InputError(
            f"URIs and --format parquet need Ray. Install it: python -m pip install {requirements('ray')}"
        ) from fault
    return classify_stored(options)


def _answer(batch: Batch, settings: WorkerSettings) -> None:
    """Classify everything into the journal."""
    stream = batch.options.out is None and output_format(batch.options) == "jsonl"
    for request, answer in _answers(batch, settings):
        batch.journal.add(request.picture.key, answer, request.stamp)
        batch.progress.advance()
        if isinstance(answer, str):
            batch.progress.say(f"{request.picture}: {answer}")
        elif stream:
            print_text(jsonl_line(request.picture.key, _shown(batch, answer)))


def _answers(batch: Batch, settings: WorkerSettings) -> Iterator[Answered]:
    """Let the workers of this machine, or those of a Ray cluster, answer what has no result yet."""
    if batch.options.engine == "local":
        return answer_all(batch.requests(), settings, batch.options.workers or default_workers(len(batch.listing)))
    from .batch.ray_engine import answer_all_with_ray

    shards = _shards(batch.options)
    if not batch.options.resume:
        remove_shards(shards)
    return answer_all_with_ray(batch.requests(), settings, shards, workers=batch.options.workers)


def _finish(batch: Batch) -> int:
    """Write the files that were asked for; return the exit code."""
    options, journal = batch.options, batch.journal
    faults = _faults(batch)
    if options.errors is not None:
        write_pieces(options.errors, error_pieces(faults), "--errors")
    _write_results(batch)
    drawn = _draw(batch) if options.preview is not None or options.show else True
    journal.remove()
    if options.engine == "ray":
        remove_shards(_shards(options))
    count, total = journal.count("results"), journal.count("results") + journal.count("faults")
    where = "standard output" if options.out is None else options.out
    batch.progress.say(f"classified {count} of {total} pictures; results: {where}")
    return 1 if faults or not drawn else 0


def _write_results(batch: Batch) -> None:
    """Write the results to --out, or to standard output; where that can't be written, to a file that is named."""
    options = batch.options
    if options.out is not None:
        write_pieces(options.out, _pieces(batch), "--out")
    elif output_format(options) != "jsonl":  # those lines are out already
        try:
            for piece in _pieces(batch):
                print_text(piece)
        except InputError as fault:
            kept = Path(tempfile.mkdtemp(prefix="touchstone-"), f"results.{output_format(options)}")
            write_pieces(kept, _pieces(batch), "--out")
            raise InputError(f"{fault} The results are in {kept}.") from fault


def _pieces(batch: Batch) -> Iterator[str]:
    entries = ((key, _shown(batch, answer)) for key, answer in batch.journal.read("results"))
    options = batch.options
    return FORMATS[output_format(options)](entries, options.top, batch.boxes is not None or options.regions)


def _shown(batch: Batch, answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it is written: the regions of anomalies, which previews need, where they are asked for."""
    if batch.options.regions or "score" not in answer:
        return answer
    return {name: value for name, value in answer.items() if name != "regions"}


def _faults(batch: Batch) -> list[tuple[str, str]]:
    """Return file and reason of all that failed: pictures, regions of pictures, lines of the boxes' file."""
    faults = [(key, entry["error"]) for key, entry in batch.journal.read("faults")]
    if batch.boxes is None:
        return faults
    for key, answer in batch.journal.read("results"):
        faults += [(key, region["error"]) for region in answer["regions"] if "error" in region]
    for note in batch.boxes.notes:
        batch.progress.say(f"{batch.options.boxes.name}: {note}")
    about = [*batch.boxes.refused, *_without_photograph(batch)]
    for message in about[:_MOST_SAID]:
        batch.progress.say(message)
    if len(about) > _MOST_SAID:
        batch.progress.say(f"and {len(about) - _MOST_SAID} more like these; --errors FILE has them all")
    return faults + [(batch.options.boxes.name, message) for message in about]


def _without_photograph(batch: Batch) -> list[str]:
    from .boxes.files import unused

    assert batch.boxes is not None
    names = unused(batch.boxes.boxes, (picture.key for picture in batch.listing))
    return [
        f"{name}: has boxes but is not among the pictures. Its path must be relative to the folder." for name in names
    ]


def _work(listing: Listing, boxes: "BoxFile | None", journal: Journal) -> int:
    """Return how many pictures this run has to do."""
    if boxes is None:
        return len(listing) - journal.count("results")
    return sum(1 for picture in listing if boxes.boxes_of(picture.key) and not journal.has_result(picture.key))


def _read_boxes(options: argparse.Namespace, listing: Listing) -> "BoxFile | None":
    if options.boxes is None:
        return None
    from .boxes.files import read_boxes

    return read_boxes(options.boxes, listing, limits_of(options))


def _draw(batch: Batch) -> bool:
    """Draw what was asked for; return whether that was possible: the results are written already."""
    from .drawing.command import draw_answers  # Pillow waits until pictures are drawn

    try:
        return draw_answers(batch)
    except InputError as fault:
        batch.progress.say(f"not drawn: {fault}")
        return False


def _written(options: argparse.Namespace) -> list[Path | None]:
    """Return the files and folders that this run writes."""
    beside = [journal_path(options.out), _shards(options)] if options.out else []
    return [options.out, options.errors, options.preview, options.masks, options.scores, *beside]


def _shards(options: argparse.Namespace) -> Path:
    """Return the folder in which the machines of a cluster meet."""
    return Path(f"{options.out}{SHARDS_SUFFIX}")


def _open_journal(options: argparse.Namespace, header: dict[str, Any], stack: ExitStack) -> Journal:
    """Open the journal beside --out; without --out one that no kill of this process leaves behind."""
    if options.out is not None:
        return Journal(journal_path(options.out), header, options.resume, options.overwrite)
    try:
        folder = tempfile.TemporaryDirectory(prefix="touchstone-", ignore_cleanup_errors=True)
    except OSError as fault:
        raise InputError(f"no folder for temporary files can be made: {fault.strerror}. Give --out FILE.") from fault
    stack.callback(folder.cleanup)
    journal = Journal(Path(folder.name) / "journal", header)
    if sys.platform != "win32":  # where an open file can't be deleted
        folder.cleanup()
    return journal


def _journal_header(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the answers depend on."""
    files = {"masks": options.masks, "scores": options.scores}
    return {
        "format": 1,
        "model": _sha256(options.model),
        "boxes": options.boxes and _sha256(options.boxes),
        "labels": options.labels and _sha256(options.labels),
        "scaling": options.scaling,
        "threshold": options.threshold,
        "top": options.top,
        **{name: str(path.resolve()) for name, path in files.items() if path},
    }


def _sha256(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no regular file. Give one that can be read twice.")
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {fault.strerror or fault}. Check the path.") from fault


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse before the work what could only fail after it."""
    if options.resume and options.out is None:
        raise InputError("--resume goes on with a file of results. Give the --out of the killed run.")
    if options.engine == "ray" and options.out is None:
        raise InputError("--engine ray works in a folder beside --out. Give an --out that all machines see.")
    check_outputs(options)


def _stopped(batch: Batch) -> str:
    done = batch.journal.count("results")
    if batch.options.out is None:
        return f"stopped after {done} pictures"
    return f"stopped after {done} pictures; the same command with --resume goes on"
