"""Versions back into a cut: further media references of their clips, the approved one active.

What was in the file stays in it: other people's metadata, effects and references, unknown kinds of
objects, and the plate. The version's reference covers the same media time as the plate's frames
do, so the clip's source range holds for both, and switching between them moves no picture.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge_core.errors import TimelineError
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import FRAME_NUMBER, MOVIES, ending_of, frame_path
from bridge_core.models.notes import Note
from bridge_core.models.versions import Output, ReviewStatus, Version
from bridge_core.timeline.cut import CutShot, CutSource
from bridge_core.timeline.document import (
    DEFAULT_KEY,
    NAMESPACE,
    Document,
    Json,
    load,
    ours,
    own_metadata,
    plate_key,
    references,
    save,
)
from bridge_core.timeline.linking import file_url, image_sequence, relink
from bridge_core.timeline.markers import marker_of, put_marker
from bridge_core.timeline.media_times import MediaTimes, outside
from bridge_core.timeline.reading import Survey, survey


@dataclass(frozen=True, slots=True)
class PlacedVersion:
    """A version, and where this machine's readers of the cut find its files.

    ``folder`` is None where they see it under the gateway's own path. ``output`` names the set of
    pictures that goes into the cut.
    """

    version: Version
    folder: str | None = None
    output: str = "main"
    notes: tuple[Note, ...] = ()

    @property
    def key(self) -> str:
        return f"{NAMESPACE}:{self.version.service}:{self.version.label}"


@dataclass(frozen=True, slots=True)
class ShortVersion:
    """A version whose pictures do not reach as far as its clip's source range.

    The pictures that the cut shows are all there. But a clip that is retimed, or trimmed by a nest
    around it, keeps a source range that names more than it shows, and a reader that goes by it
    alone may hold the version's last picture, or turn the clip down.
    """

    clip: str
    """The clip's name in the cut."""
    version: str
    """Service and label."""
    holds: FrameRange

    def __str__(self) -> str:
        return (
            f"{self.clip}: {self.version} holds frames {self.holds}, all that the cut shows; the "
            "clip's source range goes on beyond them, as it is retimed or trimmed by its nest"
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A cut that was written, and the versions in it that a careless reader may trip over."""

    target: Path
    short: tuple[ShortVersion, ...]


def write_versions(
    source: str | Path | CutSource,
    versions: Mapping[str, Sequence[PlacedVersion]],
    target: str | Path,
    *,
    show: str | None = None,
    overwrite: bool = False,
) -> Written:
    """Write the cut ``source`` with versions in it to ``target``, an ``.otio`` file.

    ``versions`` go by the clip's identity (:attr:`bridge_core.timeline.cut.CutShot.clip`). Of the
    approved ones, the one approved last becomes active; without any, the clip stays as it is,
    unless its active version is among those given and is approved no longer: then the plate comes
    back. ``target`` may be ``source``, with ``overwrite``. Writing the same again changes nothing.
    Of a cut that was read, ``source`` is :attr:`bridge_core.timeline.cut.Cut.source`. In another
    folder than the source's, relative references become whole ``file:`` URLs.

    :raises TimelineError: no such clip; a version that lacks frames of the cut or counts at another
        rate; a target that exists.
    :raises NotWritable: the target cannot be written.
    """
    document, target = load(source), Path(target)
    short = put_versions(document, versions, show=show)
    relink(document, target)
    save(document.root, target, overwrite=overwrite)
    return Written(target, short)


def put_versions(
    document: Document,
    versions: Mapping[str, Sequence[PlacedVersion]],
    *,
    show: str | None = None,
) -> tuple[ShortVersion, ...]:
    """Put versions into a loaded document; see :func:`write_versions`.

    :raises TimelineError: as there; the document is then half written and must not be saved.
    """
    found = survey(document, show=show)
    by_clip = {item.clip: item for item in found.cut}
    shots = Counter(item.shot.id.shot.casefold() for item in found.cut)
    short: list[ShortVersion] = []
    for clip, placed in versions.items():
        item = by_clip.get(clip)
        if item is None:
            raise TimelineError(
                f"the cut has no clip {clip!r} that became a shot",
                where=str(document.path),
                next_step="read the cut again and take the clip's identity from there",
            )
        if placed:
            alone = shots[item.shot.id.shot.casefold()] == 1
            short += _put(document, found, item, placed, alone)
    own_metadata(document.timeline)["show"] = found.cut.show
    return tuple(short)


def _put(
    document: Document,
    found: Survey,
    item: CutShot,
    placed: Sequence[PlacedVersion],
    alone: bool,
) -> list[ShortVersion]:
    """``alone``: no other sequence of the cut has a shot of this name."""
    node, media = found.clips[item.clip], found.media[item.clip]
    several = _several(node)
    before = node["active_media_reference_key"]
    metadata = own_metadata(node)
    metadata["plate"] = plate_key(node)
    metadata["clip"] = item.clip
    metadata["sequence"], metadata["shot"] = item.shot.id.sequence, item.shot.id.shot
    if node.get("source_range") is None:
        # The clip showed all of its plate; a version may be longer or shorter.
        node["source_range"] = copy.deepcopy(several[metadata["plate"]]["available_range"])
    times = MediaTimes.of(media, several[metadata["plate"]], node["source_range"])
    which = item.shot.id
    shot = which.shot if alone else f"{which.sequence}_{which.shot}"
    short = []
    for one in placed:
        output = _output(one, item, document.path)
        reference = _reference(one, output, times, shot)
        if not media.still and outside(node["source_range"], reference["available_range"]):
            called = f"{one.version.service} {one.version.label}"
            short.append(ShortVersion(item.name or which.shot, called, output.range))
        several[one.key] = _merged(several.get(one.key), reference, one, document.path)
        for note in one.notes:
            marker = marker_of(note, one.version.label, item.shot.cut_range, times)
            put_marker(node, marker)
    node["active_media_reference_key"] = _active(placed, before, metadata["plate"])
    return short


def _several(clip: Json) -> dict[str, Any]:
    """The clip's references by key; a Clip.1, which holds one only, becomes a Clip.2."""
    several, active = references(clip)
    if "media_references" not in clip:
        clip.pop("media_reference", None)
        clip["OTIO_SCHEMA"] = "Clip.2"
        clip["media_references"] = several
        clip["active_media_reference_key"] = active
    clip.setdefault("active_media_reference_key", DEFAULT_KEY)
    return several


def _output(placed: PlacedVersion, item: CutShot, path: Path) -> Output:
    version = placed.version
    where = f"{path}, {item.name or item.clip}"
    output = next((one for one in version.outputs if one.name == placed.output), None)
    if output is None:
        names = ", ".join(one.name for one in version.outputs)
        raise TimelineError(
            f"{version.service} {version.label} has no output {placed.output!r}",
            where=where,
            next_step=f"name one that it has: {names}",
        )
    if output.range.rate != item.shot.plate.range.rate:
        raise TimelineError(
            f"{version.service} {version.label} counts at {output.range.rate} frames per second, "
            f"the plate at {item.shot.plate.range.rate}",
            where=where,
            next_step="make the version again from the plate at its own rate",
        )
    if not output.range.covers(item.shot.cut_range):
        raise TimelineError(
            f"{version.service} {version.label} holds frames {output.range}, the cut shows "
            f"{item.shot.cut_range}",
            where=where,
            next_step="send the shot again; the cut was changed since the version was made",
        )
    return output


def _reference(placed: PlacedVersion, output: Output, times: MediaTimes, shot: str) -> Json:
    version = placed.version
    folder = placed.folder or version.folder
    inner, _, name = output.pattern.replace("\\", "/").rpartition("/")
    # As the version's files are called: hosts list media by it.
    called = f"{shot}_{version.service}_{version.label}"
    common = {
        "metadata": {NAMESPACE: _lineage(version, output)},
        "name": called if output.name == "main" else f"{called}_{output.name}",
        "available_range": times.range(output.range.first, output.range.count),
        "available_image_bounds": None,
    }
    if times.media.still or FRAME_NUMBER.search(name) is None or ending_of(name) in MOVIES:
        # A still's version is a still: readers hold it as they do the plate, not as a sequence of
        # one frame.
        url = file_url(folder, frame_path(output.pattern, output.range.first))
        return {"OTIO_SCHEMA": "ExternalReference.1", **common, "target_url": url}
    base = file_url(folder, inner) + "/"
    return image_sequence(base, name, output.range.first, times.rate, common)


def _lineage(version: Version, output: Output) -> Json:
    approved = [one for one in version.decisions if one.status is ReviewStatus.APPROVED]
    by = approved[-1].by if approved and version.status is ReviewStatus.APPROVED else None
    return {
        "version": version.id,
        "label": version.label,
        "service": version.service,
        "output": output.name,
        "status": str(version.status),
        "approved_by": by,
        "job": version.job,
        "colour_space": output.colour_space,
        "width": output.width,
        "height": output.height,
        "pixel_aspect": output.pixel_aspect,
    }


def _merged(old: Any, new: Json, placed: PlacedVersion, path: Path) -> Json:
    """A reference written again keeps what others have put into it since."""
    if not isinstance(old, dict):
        return new
    carried = ours(old).get("version")
    if carried != placed.version.id:
        raise TimelineError(
            f"the cut carries another version as {placed.key}: {carried!r}, "
            f"not {placed.version.id!r}",
            where=str(path),
            next_step="remove that reference in the host, or write into a cut without it",
        )
    foreign = {key: value for key, value in old["metadata"].items() if key != NAMESPACE}
    return {**old, **new, "metadata": {**foreign, **new["metadata"]}}


def _active(placed: Sequence[PlacedVersion], before: str, plate: str) -> str:
    approved = [one for one in placed if one.version.status is ReviewStatus.APPROVED]
    if approved:
        return max(approved, key=_approved_at).key
    return plate if before in {one.key for one in placed} else before


def _approved_at(placed: PlacedVersion) -> tuple[datetime, int]:
    never = datetime.min.replace(tzinfo=UTC)
    decisions = placed.version.decisions
    times = [one.at for one in decisions if one.status is ReviewStatus.APPROVED]
    return max(times, default=never), placed.version.number
