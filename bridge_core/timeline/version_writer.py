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
from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    MOVIE_EXTENSIONS,
    file_extension,
    frame_path,
)
from bridge_core.models.notes import Note
from bridge_core.models.versions import ResultOutput, ReviewStatus, Version
from bridge_core.timeline.cut import CutShot, CutSource
from bridge_core.timeline.cut_reader import CutIndex, index_cut
from bridge_core.timeline.document import (
    DEFAULT_MEDIA_KEY,
    NAMESPACE,
    Document,
    JsonObject,
    ensure_shotbridge_metadata,
    load_document,
    media_references,
    plate_key,
    save_otio,
    shotbridge_metadata,
)
from bridge_core.timeline.markers import add_or_replace_marker, build_marker
from bridge_core.timeline.media_reference_builder import (
    file_url,
    image_sequence_reference,
    make_references_absolute,
)
from bridge_core.timeline.media_times import MediaTimes, exceeds_media


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
    def reference_key(self) -> str:
        return f"{NAMESPACE}:{self.version.service}:{self.version.label}"


@dataclass(frozen=True, slots=True)
class ShortVersion:
    """A version whose pictures do not reach as far as its clip's source range.

    The pictures that the cut shows are all there. But a clip that is retimed, or trimmed by a nest
    around it, keeps a source range that names more than it shows, and a reader that goes by it
    alone may hold the version's last picture, or turn the clip down.
    """

    clip_name: str
    """The clip's name in the cut."""
    version_name: str
    """Service and label."""
    version_range: FrameRange

    def __str__(self) -> str:
        return (
            f"{self.clip_name}: {self.version_name} holds frames {self.version_range}, all that the cut shows; the "
            "clip's source range goes on beyond them, as it is retimed or trimmed by its nest"
        )


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A cut that was written, and the versions in it that a careless reader may trip over."""

    target: Path
    short_versions: tuple[ShortVersion, ...]


def write_versions(
    source: str | Path | CutSource,
    versions: Mapping[str, Sequence[PlacedVersion]],
    target: str | Path,
    *,
    show: str | None = None,
    overwrite: bool = False,
) -> WriteResult:
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
    document, target = load_document(source), Path(target)
    short_versions = place_versions(document, versions, show=show)
    make_references_absolute(document, target)
    save_otio(document.root, target, overwrite=overwrite)
    return WriteResult(target, short_versions)


def place_versions(
    document: Document,
    versions: Mapping[str, Sequence[PlacedVersion]],
    *,
    show: str | None = None,
) -> tuple[ShortVersion, ...]:
    """Put versions into a loaded document; see :func:`write_versions`.

    :raises TimelineError: as there; the document is then half written and must not be saved.
    """
    index = index_cut(document, show=show)
    by_clip = {item.clip_id: item for item in index.cut}
    shots = Counter(item.shot.id.shot.casefold() for item in index.cut)
    short_versions: list[ShortVersion] = []
    for clip, placed in versions.items():
        item = by_clip.get(clip)
        if item is None:
            raise TimelineError(
                f"the cut has no clip {clip!r} that became a shot",
                where=str(document.path),
                next_step="read the cut again and take the clip's identity from there",
            )
        if placed:
            is_unique_name = shots[item.shot.id.shot.casefold()] == 1
            short_versions += _place_on_clip(document, index, item, placed, is_unique_name)
    ensure_shotbridge_metadata(document.timeline)["show"] = index.cut.show
    return tuple(short_versions)


def _place_on_clip(
    document: Document,
    index: CutIndex,
    item: CutShot,
    placed: Sequence[PlacedVersion],
    is_unique_name: bool,
) -> list[ShortVersion]:
    """``alone``: no other sequence of the cut has a shot of this name."""
    node, media = index.clips[item.clip_id], index.media[item.clip_id]
    references = _ensure_media_references(node)
    previous_key = node["active_media_reference_key"]
    metadata = ensure_shotbridge_metadata(node)
    metadata["plate"] = plate_key(node)
    metadata["clip"] = item.clip_id
    metadata["sequence"], metadata["shot"] = item.shot.id.sequence, item.shot.id.shot
    if node.get("source_range") is None:
        # The clip showed all of its plate; a version may be longer or shorter.
        node["source_range"] = copy.deepcopy(references[metadata["plate"]]["available_range"])
    times = MediaTimes.from_reference(media, references[metadata["plate"]], node["source_range"])
    shot_id = item.shot.id
    shot = shot_id.shot if is_unique_name else f"{shot_id.sequence}_{shot_id.shot}"
    short_versions = []
    for one in placed:
        output = _find_output(one, item, document.path)
        reference = _build_reference(one, output, times, shot)
        if not media.is_still and exceeds_media(node["source_range"], reference["available_range"]):
            version_name = f"{one.version.service} {one.version.label}"
            short_versions.append(
                ShortVersion(item.clip_name or shot_id.shot, version_name, output.range)
            )
        references[one.reference_key] = _merge_reference(
            references.get(one.reference_key), reference, one, document.path
        )
        for note in one.notes:
            marker = build_marker(note, one.version.label, item.shot.cut_range, times)
            add_or_replace_marker(node, marker)
    node["active_media_reference_key"] = _choose_active_key(placed, previous_key, metadata["plate"])
    return short_versions


def _ensure_media_references(clip: JsonObject) -> dict[str, Any]:
    """The clip's references by key; a Clip.1, which holds one only, becomes a Clip.2."""
    references, active = media_references(clip)
    if "media_references" not in clip:
        clip.pop("media_reference", None)
        clip["OTIO_SCHEMA"] = "Clip.2"
        clip["media_references"] = references
        clip["active_media_reference_key"] = active
    clip.setdefault("active_media_reference_key", DEFAULT_MEDIA_KEY)
    return references


def _find_output(placed: PlacedVersion, item: CutShot, path: Path) -> ResultOutput:
    version = placed.version
    where = f"{path}, {item.clip_name or item.clip_id}"
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
    if not output.range.contains_range(item.shot.cut_range):
        raise TimelineError(
            f"{version.service} {version.label} holds frames {output.range}, the cut shows "
            f"{item.shot.cut_range}",
            where=where,
            next_step="send the shot again; the cut was changed since the version was made",
        )
    return output


def _build_reference(
    placed: PlacedVersion, output: ResultOutput, times: MediaTimes, shot: str
) -> JsonObject:
    version = placed.version
    folder = placed.folder or version.folder
    subfolder, _, name = output.pattern.replace("\\", "/").rpartition("/")
    # As the version's files are called: hosts list media by it.
    media_name = f"{shot}_{version.service}_{version.label}"
    common = {
        "metadata": {NAMESPACE: _version_metadata(version, output)},
        "name": media_name if output.name == "main" else f"{media_name}_{output.name}",
        "available_range": times.time_range(output.range.first, output.range.count),
        "available_image_bounds": None,
    }
    if (
        times.media.is_still
        or FRAME_NUMBER_PATTERN.search(name) is None
        or file_extension(name) in MOVIE_EXTENSIONS
    ):
        # A still's version is a still: readers hold it as they do the plate, not as a sequence of
        # one frame.
        url = file_url(folder, frame_path(output.pattern, output.range.first))
        return {"OTIO_SCHEMA": "ExternalReference.1", **common, "target_url": url}
    base = file_url(folder, subfolder) + "/"
    return image_sequence_reference(base, name, output.range.first, times.rate, common)


def _version_metadata(version: Version, output: ResultOutput) -> JsonObject:
    approved = [one for one in version.decisions if one.status is ReviewStatus.APPROVED]
    approved_by = approved[-1].by if approved and version.status is ReviewStatus.APPROVED else None
    return {
        "version": version.id,
        "label": version.label,
        "service": version.service,
        "output": output.name,
        "status": str(version.status),
        "approved_by": approved_by,
        "job": version.job_id,
        "colour_space": output.colour_space,
        "width": output.width,
        "height": output.height,
        "pixel_aspect": output.pixel_aspect,
    }


def _merge_reference(old: Any, new: JsonObject, placed: PlacedVersion, path: Path) -> JsonObject:
    """A reference written again keeps what others have put into it since."""
    if not isinstance(old, dict):
        return new
    stored_version = shotbridge_metadata(old).get("version")
    if stored_version != placed.version.id:
        raise TimelineError(
            f"the cut carries another version as {placed.reference_key}: {stored_version!r}, "
            f"not {placed.version.id!r}",
            where=str(path),
            next_step="remove that reference in the host, or write into a cut without it",
        )
    foreign = {key: value for key, value in old["metadata"].items() if key != NAMESPACE}
    return {**old, **new, "metadata": {**foreign, **new["metadata"]}}


def _choose_active_key(placed: Sequence[PlacedVersion], previous_key: str, plate_key: str) -> str:
    approved = [one for one in placed if one.version.status is ReviewStatus.APPROVED]
    if approved:
        return max(approved, key=_approved_at).reference_key
    return plate_key if previous_key in {one.reference_key for one in placed} else previous_key


def _approved_at(placed: PlacedVersion) -> tuple[datetime, int]:
    never = datetime.min.replace(tzinfo=UTC)
    decisions = placed.version.decisions
    times = [one.at for one in decisions if one.status is ReviewStatus.APPROVED]
    return max(times, default=never), placed.version.number
