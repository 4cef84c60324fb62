"""Writes a cut with everything that the gateway has for its shots; done in a worker thread."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import TimelineError
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.shots import ShotId
    from bridge_core.models.versions import Version
    from bridge_core.timeline.cut import Cut
    from bridge_core.timeline.writing import PlacedVersion


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
    from bridge_core.timeline.writing import write_versions

    if target.exists() and cut.path.exists() and target.samefile(cut.path):
        raise TimelineError(
            "the export would take the place of the cut that it is made of",
            where=str(target),
            next_step="give the export a name of its own",
        )
    placed, left_out = _placed(client, cut)
    count = sum(map(len, placed.values()))
    if reader == "generic":
        write_versions(cut.path, placed, target, show=cut.show, overwrite=True)
        return Exported(target, count, tuple(left_out))
    # The dialect is made of the whole truth, which stands on the disk for a moment.
    whole = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.otio")
    try:
        write_versions(cut.path, placed, whole, show=cut.show)
        report = export(whole, target, reader, overwrite=True)
    finally:
        whole.unlink(missing_ok=True)
    return Exported(target, count, (*left_out, *report.remarks, *map(str, report.losses)))


def _placed(client: Client, cut: Cut) -> tuple[dict[str, list[PlacedVersion]], list[str]]:
    """Versions by clip, and in words those that lack frames which the cut shows by now."""
    from bridge_core.timeline.writing import PlacedVersion

    by_shot: dict[ShotId, list[Version]] = {}
    for show, sequence in sorted({(i.shot.id.show, i.shot.id.sequence) for i in cut}):
        for version in client.versions(show=show, sequence=sequence):
            by_shot.setdefault(version.shot, []).append(version)
    placed: dict[str, list[PlacedVersion]] = {}
    left_out: list[str] = []
    for item in cut:
        for version in by_shot.get(item.shot.id, ()):
            main = next(output for output in version.outputs if output.name == "main")
            if main.range.covers(item.shot.cut_range):
                notes = tuple(client.notes(version.id))
                placed.setdefault(item.clip, []).append(PlacedVersion(version, notes=notes))
            else:
                left_out.append(
                    tr(
                        "left out: {shot} {service} {label} has frames {has}, "
                        "the cut shows {shows}",
                        shot=item.shot.id.shot,
                        service=version.service,
                        label=version.label,
                        has=main.range,
                        shows=item.shot.cut_range,
                    )
                )
    return placed, left_out
