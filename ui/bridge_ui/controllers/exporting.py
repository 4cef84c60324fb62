"""Writes a cut with everything that the gateway has for its shots; done in a worker thread."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import TimelineError
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.timeline.cut import Cut
    from bridge_core.timeline.gathering import Gathered


@dataclass(frozen=True, slots=True)
class Exported:
    target: Path
    versions: int
    left_out: tuple[str, ...]
    """Versions that do not fit the cut any more, and what the reader does not get."""

    @property
    def words(self) -> str:
        told = counted(self.versions, "{n} version", "{n} versions")
        text = tr("{file} written with {versions}", file=self.target.name, versions=told)
        return "; ".join([text, *self.left_out])


def export_cut(client: Client, cut: Cut, target: Path, reader: str) -> Exported:
    """Write ``cut`` with its versions and notes to ``target`` (``.otio``), which is replaced where
    it exists, as ``reader`` takes it (see :mod:`bridge_core.timeline.profiles`).

    :raises TimelineError: the target is the cut itself, or it cannot be read any more.
    :raises NotWritable: the target cannot be written.
    """
    from bridge_core.timeline.exporting import export
    from bridge_core.timeline.gathering import gather_versions
    from bridge_core.timeline.writing import write_versions

    if target.exists() and cut.path.exists() and target.samefile(cut.path):
        raise TimelineError(
            "the export would take the place of the cut that it is made of",
            where=str(target),
            next_step="give the export a name of its own",
        )
    found = gather_versions(client, cut)
    count = sum(map(len, found.placed.values()))
    if reader == "generic":
        written = write_versions(cut.source, found.placed, target, show=cut.show, overwrite=True)
        return Exported(target, count, (*_left_out(cut, found), *map(str, written.short)))
    # The dialect is made of the whole truth, which stands on the disk for a moment.
    whole = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.otio")
    try:
        write_versions(cut.source, found.placed, whole, show=cut.show)
        report = export(replace(cut.source, path=whole), target, reader, overwrite=True)
    finally:
        whole.unlink(missing_ok=True)
    left_out = _left_out(cut, found)
    return Exported(target, count, (*left_out, *report.remarks, *map(str, report.losses)))


def _left_out(cut: Cut, found: Gathered) -> Iterator[str]:
    """In words: versions without frames that the cut now shows, and clips that were renamed or have
    no version."""
    for one in found.outdated:
        yield tr(
            "left out: {shot} {service} {label} has frames {has}, the cut shows {shows}",
            shot=one.shot.shot,
            service=one.version.service,
            label=one.version.label,
            has=one.has,
            shows=one.shows,
        )
    for item in cut:
        before = found.renamed.get(item.clip)
        if before is not None:
            yield tr(
                "{shot} was renamed; it got the versions of {before}",
                shot=item.shot.id.shot,
                before=before.shot,
            )
    if found.without:
        shots = ", ".join(item.shot.id.shot for item in found.without)
        yield tr("no version yet: {shots}", shots=shots)
