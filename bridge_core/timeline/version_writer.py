"""Write versions into a cut: further media references of their clips, the approved one active.

The file's content is preserved: metadata, effects and references of others, unknown schemas, and
the plate. A version's reference covers the same media time as the plate's frames, so that the
clip's source range is valid for both, and switching between them keeps the same frames in place.
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
from bridge_core.models.media import FRAME_NUMBER_PATTERN, frame_path, is_movie
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ResultOutput, ReviewStatus, Version
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
from bridge_core.timeline.media_paths import file_url
from bridge_core.timeline.media_reference_builder import (
    image_sequence_reference,
    make_references_absolute,
)
from bridge_core.timeline.media_times import MediaTimes, exceeds_media
from bridge_core.version_fit import require_fitting_output


@dataclass(frozen=True, slots=True)
class PlacedVersion:
    """A version, and the folder of its files for readers of the cut on this machine.

    ``folder`` is None if they use the gateway's own path. ``output`` is the name of the version's
    output that is placed.
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
    """A version that is shorter than its clip's source range.

    It has all frames that the cut shows. But a clip that is retimed, or trimmed by a nest around
    it, has a source range that goes beyond the frames it shows, and a reader that uses the range
    alone may hold the version's last frame, or reject the clip.
    """

    clip_name: str
    version_name: str
    """Service and label."""
    version_range: FrameRange

    def __str__(self) -> str:
        return (
            f"{self.clip_name}: {self.version_name} holds frames {self.version_range}, all that "
            "the cut shows; the clip's source range goes beyond them, since the clip is retimed or "
            "trimmed by its nest"
        )


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A written cut, and its versions that are shorter than their clip's source range."""

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
    """Write the cut ``source`` with versions to ``target``, an ``.otio`` file.

    ``versions`` are keyed by clip id (:attr:`bridge_core.timeline.cut.CutShot.clip_id`). The one
    approved last becomes the clip's active reference. Without an approved one, the active
    reference stays, unless it is one of the given versions: then the plate becomes active.
    ``target`` may be ``source``, with ``overwrite``. Writing the same versions again changes
    nothing. For a cut that was read before, ``source`` is
    :attr:`bridge_core.timeline.cut.Cut.source`. If ``target`` is in another folder, relative
    references become absolute ``file:`` URLs.

    :raises TimelineError: there is no such clip, a version lacks frames of the cut or has another
        rate, or the target exists.
    :raises NotWritable: the target cannot be written.
    """
    document, target = load_document(source), Path(target)
    short_versions = place_versions(document, versions, show=show)
    make_references_absolute(document, target)
    save_otio(document.root, target, overwrite=overwrite)
    return WriteResult(target, short_versions)


def place_versions(
    document: Document, versions: Mapping[str, Sequence[PlacedVersion]], *, show: str | None = None
) -> tuple[ShortVersion, ...]:
    """Place versions in a loaded document; see :func:`write_versions`.

    :raises TimelineError: as there; the document is then incomplete and must not be saved.
    """
    index = index_cut(document, show=show)
    by_clip = {item.clip_id: item for item in index.cut}
    shots = Counter(item.shot.id.shot.casefold() for item in index.cut)
    short_versions: list[ShortVersion] = []
    for clip_id, placed in versions.items():
        item = by_clip.get(clip_id)
        if item is None:
            message = f"the cut has no shot with clip id {clip_id!r}"
            next_step = "read the cut again, and use the clip ids of its shots"
            raise TimelineError(message, where=str(document.path), next_step=next_step)
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
    """``is_unique_name``: no other sequence of the cut has a shot of this name."""
    node, media = index.clips[item.clip_id], index.media[item.clip_id]
    references = _ensure_media_references(node)
    previous_key = node["active_media_reference_key"]
    metadata = ensure_shotbridge_metadata(node)
    metadata["plate"] = plate_key(node)
    metadata["clip"] = item.clip_id
    metadata["sequence"], metadata["shot"] = item.shot.id.sequence, item.shot.id.shot
    if node.get("source_range") is None:
        # The clip shows all of its plate; a version may be longer or shorter.
        node["source_range"] = copy.deepcopy(references[metadata["plate"]]["available_range"])
    times = MediaTimes.from_reference(media, references[metadata["plate"]], node["source_range"])
    shot_id, where = item.shot.id, f"{document.path}, {item.clip_name or item.clip_id}"
    shot = shot_id.shot if is_unique_name else f"{shot_id.sequence}_{shot_id.shot}"
    short_versions = []
    for placement in placed:
        version = placement.version
        output = require_fitting_output(
            version, placement.output, item.shot, where=where, error=TimelineError
        )
        reference = _build_reference(placement, output, times, shot)
        if not media.is_still and exceeds_media(node["source_range"], reference["available_range"]):
            name = f"{version.service} {version.label}"
            clip_name = item.clip_name or shot_id.shot
            short_versions.append(ShortVersion(clip_name, name, output.range))
        key = placement.reference_key
        references[key] = _merge_reference(references.get(key), reference, placement, document.path)
        for note in placement.notes:
            marker = build_marker(note, version.label, item.shot.cut_range, times)
            add_or_replace_marker(node, marker)
    node["active_media_reference_key"] = _choose_active_key(placed, previous_key, metadata["plate"])
    return short_versions


def _ensure_media_references(clip: JsonObject) -> dict[str, Any]:
    """The clip's references by key; a Clip.1, which has only one, becomes a Clip.2."""
    references, active = media_references(clip)
    if "media_references" not in clip:
        clip.pop("media_reference", None)
        clip["OTIO_SCHEMA"] = "Clip.2"
        clip["media_references"] = references
        clip["active_media_reference_key"] = active
    clip.setdefault("active_media_reference_key", DEFAULT_MEDIA_KEY)
    return references


def _build_reference(
    placed: PlacedVersion, output: ResultOutput, times: MediaTimes, shot: str
) -> JsonObject:
    version = placed.version
    folder = placed.folder or version.folder
    subfolder, _, name = output.pattern.replace("\\", "/").rpartition("/")
    # The name of the version's files; hosts list media by it.
    media_name = f"{shot}_{version.service}_{version.label}"
    common = {
        "metadata": {NAMESPACE: _version_metadata(version, output)},
        "name": media_name if output.name == "main" else f"{media_name}_{output.name}",
        "available_range": times.time_range(output.range.first, output.range.count),
        "available_image_bounds": None,
    }
    is_numbered = FRAME_NUMBER_PATTERN.search(name) is not None
    if times.media.is_still or not is_numbered or is_movie(name):
        # A still's version is a still: readers hold it as they hold the plate, which they do not
        # do for a sequence of one frame.
        url = file_url(folder, frame_path(output.pattern, output.range.first))
        return {"OTIO_SCHEMA": "ExternalReference.1", **common, "target_url": url}
    base = file_url(folder, subfolder) + "/"
    return image_sequence_reference(base, name, output.range.first, times.rate, common)


def _version_metadata(version: Version, output: ResultOutput) -> JsonObject:
    approved = _approvals(version)
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
    """Update a version's reference, and keep what others have added to it."""
    if not isinstance(old, dict):
        return new
    stored_version = shotbridge_metadata(old).get("version")
    if stored_version != placed.version.id:
        found = f"{stored_version!r}, not {placed.version.id!r}"
        message = f"the cut has another version as {placed.reference_key}: {found}"
        next_step = "remove that reference in the host, or use a cut without it"
        raise TimelineError(message, where=str(path), next_step=next_step)
    foreign = {key: value for key, value in old["metadata"].items() if key != NAMESPACE}
    return {**old, **new, "metadata": {**foreign, **new["metadata"]}}


def _choose_active_key(placed: Sequence[PlacedVersion], previous_key: str, plate_key: str) -> str:
    approved = [item for item in placed if item.version.status is ReviewStatus.APPROVED]
    if approved:
        return max(approved, key=_approved_at).reference_key
    return plate_key if previous_key in {item.reference_key for item in placed} else previous_key


def _approvals(version: Version) -> list[DecisionRecord]:
    return [decision for decision in version.decisions if decision.status is ReviewStatus.APPROVED]


def _approved_at(placed: PlacedVersion) -> tuple[datetime, int]:
    never = datetime.min.replace(tzinfo=UTC)
    times = (decision.at for decision in _approvals(placed.version))
    return max(times, default=never), placed.version.number
