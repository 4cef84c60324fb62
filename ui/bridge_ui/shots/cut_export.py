"""Writes a cut with the versions and notes of its shots, in a worker thread."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import TimelineError
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.timeline.cut import Cut
    from bridge_core.timeline.version_lookup import CutVersions


@dataclass(frozen=True, slots=True)
class CutExport:
    target: Path
    version_count: int
    omissions: tuple[str, ...]
    """Outdated versions and what the reader cannot represent."""

    @property
    def text(self) -> str:
        versions = tr_count(self.version_count, "{n} version", "{n} versions")
        text = tr("{file} written with {versions}", file=self.target.name, versions=versions)
        return "; ".join([text, *self.omissions])


def export_cut(client: Client, cut: Cut, target: Path, reader: str) -> CutExport:
    """Write ``cut`` with its versions and notes to ``target`` (``.otio``) for ``reader`` (see
    :mod:`bridge_core.timeline.export_profiles`). Replaces an existing file.

    :raises TimelineError: the target is the cut itself, or the cut can no longer be read.
    :raises NotWritable: the target cannot be written.
    """
    from bridge_core.timeline.exporter import export_timeline
    from bridge_core.timeline.version_lookup import find_versions
    from bridge_core.timeline.version_writer import write_versions

    if target.exists() and cut.path.exists() and target.samefile(cut.path):
        raise TimelineError(
            "the export would replace its own source",
            where=str(target),
            next_step="choose another name for the export",
        )
    cut_versions = find_versions(client, cut)
    count = sum(map(len, cut_versions.versions.values()))
    if reader == "generic":
        written = write_versions(
            cut.source, cut_versions.versions, target, show=cut.show, overwrite=True
        )
        return CutExport(
            target, count, (*_omission_texts(cut, cut_versions), *map(str, written.short_versions))
        )
    # The profile is applied to the complete timeline in a temporary file.
    complete = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.otio")
    try:
        write_versions(cut.source, cut_versions.versions, complete, show=cut.show)
        report = export_timeline(replace(cut.source, path=complete), target, reader, overwrite=True)
    finally:
        complete.unlink(missing_ok=True)
    omissions = _omission_texts(cut, cut_versions)
    return CutExport(target, count, (*omissions, *report.limitations, *map(str, report.warnings)))


def _omission_texts(cut: Cut, cut_versions: CutVersions) -> Iterator[str]:
    """Versions that lack frames of the cut, and clips that were renamed or have no version."""
    for outdated in cut_versions.outdated:
        yield tr(
            "left out: {shot} {service} {label} has frames {has}, the cut shows {shows}",
            shot=outdated.shot.shot,
            service=outdated.version.service,
            label=outdated.version.label,
            has=outdated.version_range,
            shows=outdated.cut_range,
        )
    for item in cut:
        former_id = cut_versions.renamed.get(item.clip_id)
        if former_id is not None:
            yield tr(
                "{shot} was renamed; it got the versions of {before}",
                shot=item.shot.id.shot,
                before=former_id.shot,
            )
    if cut_versions.without_versions:
        shots = ", ".join(item.shot.id.shot for item in cut_versions.without_versions)
        yield tr("no version yet: {shots}", shots=shots)
