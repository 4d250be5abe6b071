"""The report of an anomaly run -> report.json for programs, report.html for people, a few lines for the terminal."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from PIL import Image

from inference.anomaly.confidence import MEANING, is_near_threshold
from inference.atomic_file import write_atomically
from inference.model.decide import ANOMALY
from pipeline.anomaly.pictures import LONGEST_SIDE
from pipeline.anomaly.sections import AnomalyReport, share_of_clean
from pipeline.metrics.intervals import Estimate
from pipeline.report.mistakes import picture_uri
from pipeline.report.model_card import UNKNOWN_LICENCE
from pipeline.report.page import render_page, render_text
from pipeline.report.report import TERMINAL_COLUMNS, TITLE_COLUMNS, KeyFigure
from pipeline.report.stored import section_text
from pipeline.report.style import THIN, columns, decimal, percent, share, size, spread

_WIDE = 1.8  # width over height

# title, key of the metrics, what it means
PIXEL_FIGURES = (
    ("AUPRO", "aupro", "mean overlap with each region, up to 30 % of the normal area flagged; 1 is best"),
    ("F1 of pixels", "f1", "at the file's own threshold, which was set without masks"),
    ("Best F1 of pixels", "best_f1", "of the raw scores, at the threshold that the masks would choose"),
    ("AUROC of pixels", "pixel_auroc", "close to 1 for any model where anomalies are small"),
)


def write_anomaly_report(folder: Path, report: AnomalyReport) -> tuple[Path, Path]:
    """Write folder/report.json and folder/report.html and return both paths.

    Raises:
        ValueError: the report holds NaN or infinity, which JSON can't represent; undefined values are None.
    """
    json_path, html_path = folder / "report.json", folder / "report.html"
    text = section_text(report)  # first, since it refuses NaN and infinity
    write_atomically(html_path, render_anomaly_report(report, folder))
    write_atomically(json_path, text)  # last: it marks the evaluation as done
    return json_path, html_path


def render_anomaly_report(report: AnomalyReport, folder: Path) -> str:
    """Return the page as self-contained HTML; pictures are read from paths relative to folder."""
    lines = {one.name: one for one in report.photos}
    pictures = [
        (
            lines[one.name],
            *(picture_uri(folder / path, LONGEST_SIDE) for path in (one.found, one.heat)),
            _is_wide(folder / one.found),
        )
        for one in report.pictures
    ]
    return render_page(
        "anomaly.html.jinja",
        report=report,
        verdict=verdict(report),
        prevalence=prevalence_text(report),
        advice=advice(report),
        key_figures=list(key_figures(report)),
        pictures=pictures,
        near={one.name for one in report.photos if one.result != ANOMALY and is_near_threshold(one.confidence)},
        meaning=MEANING,
    )


def anomaly_lines(report: AnomalyReport) -> list[str]:
    """Return the report for a terminal: lines of at most 80 columns."""
    metrics = report.metrics
    counts = f"{report.data.fit} photographs in the model, {report.data.masks} masks"
    lines = [f"{report.recipe}: {report.released}, {counts}"]
    clean = flagged_clean(report)
    shares = (("Clean photographs flagged", clean), ("Anomalous ones flagged", metrics.found_anomalous))
    lines += [_aligned(title, columns(estimate)) for title, estimate in shares if estimate.n]
    if _is_of_the_fit(clean):
        lines.append(f"    {_clean_meaning(report)}")
    if metrics.image_auroc.value is not None:
        lines.append(_aligned("AUROC of photographs", columns(metrics.image_auroc, "decimal")))
    figures = [(title, getattr(metrics, key)) for title, key, _ in PIXEL_FIGURES]
    lines += [_aligned(title, f"{decimal(value):>7}") for title, value in figures if value is not None]
    if report.names:
        lines.append(_aligned("Names of regions, balanced", columns(report.names.balanced_accuracy)))
    lines.append(_aligned("Size, time per photograph", cost_text(report)))
    told = [prevalence_text(report), advice(report)]
    return [line[:TERMINAL_COLUMNS].rstrip() for line in lines] + [
        line for text in told for line in wrap(text, TERMINAL_COLUMNS, initial_indent="  ", subsequent_indent="  ")
    ]


def prevalence_text(report: AnomalyReport) -> str:
    """Return how common anomalies are taken to be, why, and what that replaces; empty for runs of earlier versions."""
    found = report.prevalence
    if found is None:
        return ""
    replaced = f" So these settings do not hold: {', '.join(found.replaced)}." if found.replaced else ""
    return f"Anomalies are taken as {found.prevalence}: {found.reason}.{replaced}"


def advice(report: AnomalyReport) -> str:
    """Return why nothing is flagged and what to do, or nothing where something is flagged."""
    if any(one.result == ANOMALY for one in report.photos) or report.calibration.clean:
        return ""
    lower = [point for point in report.curve or () if point.flagged and point.threshold < report.calibration.threshold]
    text = (
        "Nothing is flagged. The photographs may be clean; or what is unusual shows on most of them and raised the "
        "threshold. Give clean photographs with --images and anomaly.clean=true and the others with --test, or set "
        "anomaly.prevalence=common"
    )
    if lower:
        best = lower[-1]
        text += f"; or lower the threshold: --threshold {best.threshold:g} flags {best.flagged} of {len(report.photos)}"
    return text + "."


def verdict(report: AnomalyReport) -> str:
    """Return the result in one sentence with counts."""
    flagged, found = flagged_clean(report), report.metrics.found_anomalous
    if not flagged.n and not found.n:
        count = sum(one.result == ANOMALY for one in report.photos)
        return f"Flags {count} of {len(report.photos)} photographs; without masks it is unknown whether correctly."
    parts = []
    if found.n:
        parts.append(f"Finds {_of(found)} photographs with anomalies")
    if flagged.n:
        whose = " that set its threshold" if _is_of_the_fit(flagged) else ""
        parts.append(f"{'flags' if parts else 'Flags'} {_of(flagged)} clean ones{whose}")
    return ", ".join(parts) + "."


def key_figures(report: AnomalyReport) -> Iterator[KeyFigure]:
    """Yield the key figures that were measured."""
    metrics = report.metrics
    auroc, flagged = metrics.image_auroc, flagged_clean(report)
    if flagged.n:
        known = f"n{THIN}={THIN}{flagged.n}" if _is_of_the_fit(flagged) else spread(flagged)
        yield KeyFigure("Clean photographs flagged", share(flagged.value), known, _clean_meaning(report))
    if auroc.value is not None:
        meaning = "how often an anomalous photograph has a higher score than a clean one"
        yield KeyFigure("AUROC of photographs", decimal(auroc.value), spread(auroc, "decimal"), meaning)
    for title, key, meaning in PIXEL_FIGURES:
        if getattr(metrics, key) is not None:
            yield KeyFigure(title, decimal(getattr(metrics, key)), f"n{THIN}={THIN}{report.data.masks} masks", meaning)
    if report.names:
        accuracy = report.names.balanced_accuracy
        yield KeyFigure("Names of regions", share(accuracy.value), spread(accuracy), "mean over the names")
    yield KeyFigure("Size", size(report.cost.bytes), "", "one file")
    yield KeyFigure("Time", f"{report.cost.seconds:.2f}{THIN}s", "", time_text(report))


def flagged_clean(report: AnomalyReport) -> Estimate:
    """Return the share of clean photographs that are flagged, see share_of_clean; of old reports too."""
    clean = [one for one in report.photos if one.is_anomaly is False]
    return share_of_clean([one.result == ANOMALY for one in clean], [one.split for one in clean])


def _is_of_the_fit(flagged: Estimate) -> bool:
    return flagged.n > 0 and not flagged.ends


def _clean_meaning(report: AnomalyReport) -> str:
    """Return what the share of clean photographs that are flagged is of."""
    if not _is_of_the_fit(flagged_clean(report)):
        return "fewer is better"
    text, settings = "of the photographs that set the threshold", report.settings
    if settings.method == "gaussian" and not settings.clean:  # whose threshold aims at no rate
        return text
    return f"{text}; expected of new ones: {percent(report.calibration.false_positive_rate)}"


def cost_text(report: AnomalyReport) -> str:
    """Return file size and time as text."""
    return f"{size(report.cost.bytes).replace(THIN, ' ')}, {report.cost.seconds:.2f} s for {time_text(report)}"


def time_text(report: AnomalyReport) -> str:
    """Return what the time was measured on."""
    threads = report.cost.threads
    return f"{report.cost.megapixels:.1f} megapixels, {threads} thread{'s' if threads != 1 else ''}"


def _is_wide(picture: Path) -> bool:
    """Return whether a picture and its anomaly map are better shown one above the other."""
    if not picture.is_file():
        return False
    with Image.open(picture) as image:
        return image.width > _WIDE * image.height


def _of(estimate: Estimate) -> str:
    return f"{round((estimate.value or 0) * estimate.n)} of {estimate.n}"


def _aligned(title: str, text: str) -> str:
    return f"  {title:<{TITLE_COLUMNS - 14}}{text}"


def anomaly_card(report: AnomalyReport, model: str) -> str:
    """Return README.md beside the model, a model card; see pipeline.report.model_card. model: its file name."""
    return render_text(
        "anomaly_card.md.jinja",
        report=report,
        model=model,
        licence=UNKNOWN_LICENCE,
        verdict=verdict(report),
        figures=list(key_figures(report)),
        prevalence=prevalence_text(report),
    )
