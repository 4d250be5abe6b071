"""python -m pipeline audit: what is wrong with a data set, before any training."""

import argparse
import hashlib
import sys
from pathlib import Path

from inference.errors import InputError
from pipeline.cluster import check_engine
from pipeline.commands.preflight import check_apart
from pipeline.data.groups import fit_groups, read_photo_groups
from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow


def audit(options: argparse.Namespace) -> int:
    """Audit a data set; print the summary and the paths of page, figures and groups."""
    _check_settings(options.set)
    check_engine(options.engine, "ray.data")
    folder = options.out or _default_folder(options.images)
    from pipeline.audit.audit import audit_data
    from pipeline.audit.network import frozen_network
    from pipeline.audit.page import GROUPS_NAME, write_audit
    from pipeline.audit.photos import read_data_set
    from pipeline.audit.sentences import audit_lines

    place = DataPlace(options.images, options.annotations, folder, options.groups)
    check_apart(folder, place, "--out")
    data = read_data_set(place)
    known, notes = fit_groups(read_photo_groups(options.groups), {photo.name for photo in data.photos})
    print("\n".join([f"audit: {folder}", *(f"note: {note}" for note in notes)]), file=sys.stderr)
    load_tensorflow()
    examine = None
    if options.engine == "ray":
        from pipeline.audit.on_ray import examine_on_ray

        examine = examine_on_ray(tuple(options.set))
    network = frozen_network(tuple(options.set))
    report = audit_data(data, network, folder, known, examine)
    files = write_audit(report, data, folder)
    print("\n".join(audit_lines(report)))
    print(f"page:    {files.page}\nfigures: {files.json}\ngroups:  {files.groups}")
    if files.groups_name != GROUPS_NAME:
        print("GROUPS.json was changed by hand, so it was kept and the groups found now are beside it", file=sys.stderr)
    if report.refused:
        print(f"{len(report.refused)} entries of the data were refused; the page lists them", file=sys.stderr)
    return 1 if report.refused else 0


def _check_settings(overrides: list[tuple[str, str]]) -> None:
    for setting, _ in overrides:
        if not setting.startswith("network."):
            raise InputError(f"only settings of network have an effect on an audit. Received: {setting}. Leave it out.")


def _default_folder(images: Path) -> Path:
    """Return a folder that is the same for the same photographs, so that a killed audit goes on."""
    digest = hashlib.sha256(str(images.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return Path("runs") / "audit" / f"{images.resolve().name}-{digest}"
