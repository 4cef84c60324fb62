"""Reads the timeline that is open in Resolve as a cut.

Resolve exports it as OTIO, since its API has neither retimes nor transitions. What the file lacks
is added from the API: the ids of clips, the plate in place of a version whose take is selected, and
colour spaces. The result is a file that :mod:`bridge_core.timeline` reads like any other cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.models.shots import Shot
from bridge_core.timeline.cut import Cut, CutSource, ProblemKind
from bridge_core.timeline.cut_reader import index_cut
from bridge_core.timeline.document import (
    DEFAULT_MEDIA_KEY,
    MALFORMED_ERRORS,
    NAMESPACE,
    Document,
    JsonObject,
    get_list,
    load_document,
    save_otio,
    schema_name,
)
from bridge_core.timeline.document import media_references as references_of
from bridge_core.timeline.media_check import check_media
from bridge_core.timeline.media_paths import file_url
from bridge_core.timeline.media_reference_builder import image_sequence_reference, reference_fields
from bridge_core.timeline.otio_time import (
    nearest_frame,
    read_time_range,
    to_rational_time,
    to_seconds,
)
from bridge_resolve.api_checks import has_method, require
from bridge_resolve.clip_markers import VersionMarker
from bridge_resolve.clips import TimelineClip, read_clips, timeline_rate
from bridge_resolve.colour_spaces import ProjectColour
from bridge_resolve.media import first_frame_number, media_reference

if TYPE_CHECKING:
    from fusionscript import Resolve, Timeline

#: Key of a camera file among a clip's references; the plate is its rendering.
CAMERA_FILE_KEY = f"{NAMESPACE}:camera file"
#: Digits of frame numbers of rendered plates: enough for more than a day of timecode.
FRAME_PADDING = 8


@dataclass(frozen=True, slots=True)
class TimelineSnapshot:
    """The open timeline at one moment."""

    timeline: Timeline
    cut: Cut
    """The clips that became shots."""
    clips: dict[str, TimelineClip]
    """All clips by id."""
    overlay_ids: frozenset[str]
    """Ids of clips that are versions on a track above."""
    is_in_out_range: bool
    """Whether the cut is limited to the timeline's In and Out."""
    colour: ProjectColour

    def shot(self, clip: str) -> Shot | None:
        """The shot as it is sent: a plate to render has only the work range."""
        item = self.cut.find_shot(clip)
        if item is None:
            return None
        if self.clips[clip].plate.is_readable:
            return item.shot
        plate = item.shot.plate.model_copy(update={"range": item.shot.work_range})
        return item.shot.model_copy(update={"plate": plate})


def read_snapshot(
    resolve: Resolve,
    timeline: Timeline,
    target: Path,
    *,
    show: str,
    handles: int,
    in_out_only: bool,
    colour: ProjectColour,
) -> TimelineSnapshot:
    """Read the open timeline; the cut is written to ``target``.

    :param in_out_only: limit the cut to the timeline's In and Out, if they are set.
    :param colour: the project's colour management. If it does not know the space of renderings,
        clips that have to be rendered become problems.
    :raises HostError: Resolve does not export the timeline.
    :raises TimelineError: the exported file cannot be read.
    """
    clips = read_clips(timeline)
    ids = (v.overlay_item_id for clip in clips.values() for v in clip.markers.versions)
    overlay_ids = frozenset(item_id for item_id in ids if item_id in clips)
    export = target.with_name(f"{target.stem}_export.otio")
    try:
        exported = timeline.Export(str(export), resolve.EXPORT_OTIO, resolve.EXPORT_NONE)
        action = f"export the timeline {timeline.GetName()} as OTIO"
        require(exported, action, where=str(export))
        document = load_document(export)
    finally:
        export.unlink(missing_ok=True)
    rate, _ = timeline_rate(timeline)
    _ExportCompletion(document, rate, clips, overlay_ids, colour).run()
    save_otio(document.root, target, overwrite=True)
    document.source = CutSource(target)
    contents = index_cut(document, show=show, handles=handles)
    cut, is_in_out_range = contents.cut, False
    if in_out_only:
        cut, is_in_out_range = _between_in_and_out(cut, timeline)
    checked = _with_media_checked(cut, clips, colour)
    return TimelineSnapshot(timeline, checked, clips, overlay_ids, is_in_out_range, colour)


class _ExportCompletion:
    """Adds to an exported document what Resolve leaves out."""

    def __init__(
        self,
        document: Document,
        rate: Fraction,
        clips: dict[str, TimelineClip],
        overlay_ids: frozenset[str],
        colour: ProjectColour,
    ) -> None:
        self.document = document
        self.clip_by_position = {(clip.track, clip.start): clip for clip in clips.values()}
        self.overlay_ids = overlay_ids
        self.colour = colour
        start = document.timeline.get("global_start_time")
        self.start = to_seconds(start) if start else Fraction(0)
        self.rate = rate

    def run(self) -> None:
        for number, track in enumerate(_picture_tracks(self.document.timeline), 1):
            children = get_list(track, "children")
            for index, node, at in _clips(children, self.start):
                clip = self.clip_by_position.get((number, nearest_frame(at, self.rate)))
                if clip is None:
                    continue
                if clip.id in self.overlay_ids:
                    children[index] = _gap(node)
                else:
                    self._complete_clip(node, clip)

    def _complete_clip(self, node: JsonObject, clip: TimelineClip) -> None:
        references_by_key, active = references_of(node)
        references_by_key = {DEFAULT_MEDIA_KEY: references_by_key.get(active)}
        node.pop("media_reference", None)
        node["OTIO_SCHEMA"] = "Clip.2"
        node["media_references"] = references_by_key
        node["active_media_reference_key"] = DEFAULT_MEDIA_KEY
        own_metadata = node.setdefault("metadata", {}).setdefault(NAMESPACE, {})
        own_metadata["clip"] = clip.id
        # The export drops the data of our markers, so that they would look like a person's.
        markers, own_labels = get_list(node, "markers"), clip.markers.own_labels
        node["markers"] = [marker for marker in markers if _marker_label(marker) not in own_labels]
        shown_version = clip.shown_version
        if shown_version is not None:
            self._restore_plate(node, clip, shown_version)
        if clip.markers.versions:
            latest = clip.markers.versions[-1]
            own_metadata["sequence"], own_metadata["shot"] = latest.sequence, latest.shot
        reference = references_by_key[DEFAULT_MEDIA_KEY]
        if not clip.plate.is_readable and schema_name(reference) == "ExternalReference":
            # The camera file stays active for readers of the cut; the plate is sent.
            references_by_key[CAMERA_FILE_KEY] = reference
            node["active_media_reference_key"] = CAMERA_FILE_KEY
            own_metadata["plate"] = DEFAULT_MEDIA_KEY
            reference = self._render_reference(reference, clip)
            references_by_key[DEFAULT_MEDIA_KEY] = reference
            node["name"] = Path(clip.plate.name).stem
        self._add_media_metadata(reference, clip)

    def _restore_plate(self, node: JsonObject, clip: TimelineClip, version: VersionMarker) -> None:
        """Put the plate in place of a version: frame for frame, since versions keep the plate's
        frame numbers."""
        references_by_key = node["media_references"]
        source = read_time_range(node["source_range"])
        version_span = read_time_range(references_by_key[DEFAULT_MEDIA_KEY]["available_range"])
        assert source is not None
        assert version_span is not None
        offset = nearest_frame(source.start - version_span.start, version_span.rate)
        plate = clip.plate
        at = plate.start + version.first_frame + offset - first_frame_number(plate)
        references_by_key[DEFAULT_MEDIA_KEY] = media_reference(plate)
        node["name"] = plate.name
        node["source_range"]["start_time"] = to_rational_time(Fraction(at), plate.rate)

    def _render_reference(self, reference: JsonObject, clip: TimelineClip) -> JsonObject:
        """A reference to the image sequence that rendering the camera file will write."""
        plate, folder = clip.plate, self.document.path.parent / "to render" / clip.id
        start, space = plate.timecode(plate.start), self.colour.render_space
        own_metadata = {"colour_space": space, "start_timecode": start}
        name = f"{Path(plate.name).stem}.%0{FRAME_PADDING}d.exr"
        fields = {**reference_fields(reference), "metadata": {NAMESPACE: own_metadata}}
        base = file_url(str(folder)) + "/"
        return image_sequence_reference(base, name, plate.start, float(plate.rate), fields)

    def _add_media_metadata(self, reference: Any, clip: TimelineClip) -> None:
        if not isinstance(reference, dict):
            return
        own_metadata = reference.setdefault("metadata", {}).setdefault(NAMESPACE, {})
        if clip.plate.width and clip.plate.height:
            own_metadata.setdefault("width", clip.plate.width)
            own_metadata.setdefault("height", clip.plate.height)
        space = self.colour.ocio_name(clip.plate)
        if space and clip.plate.is_readable:
            own_metadata.setdefault("colour_space", space)


def _picture_tracks(timeline: JsonObject) -> list[JsonObject]:
    stack = timeline.get("tracks")
    return [track for track in get_list(stack, "children") if track.get("kind", "Video") == "Video"]


def _clips(children: list[Any], start: Fraction) -> Iterator[tuple[int, JsonObject, Fraction]]:
    """The clips of a track, each with its index and start in seconds.

    It stops at an item whose length cannot be read: the cut reader reports it.
    """
    at = start
    for index, child in enumerate(children):
        kind = schema_name(child)
        if kind == "Transition":
            continue
        try:
            length = to_seconds(child["source_range"]["duration"])
        except MALFORMED_ERRORS:
            return
        if kind == "Clip":
            yield index, child, at
        at += length


def _marker_label(marker: Any) -> tuple[str, str] | None:
    """Name and note of a marker as Resolve exports it."""
    if not isinstance(marker, dict):
        return None
    resolve_metadata = (marker.get("metadata") or {}).get("Resolve_OTIO") or {}
    return str(marker.get("name") or ""), str(resolve_metadata.get("Note") or "")


def _gap(clip: JsonObject) -> JsonObject:
    duration = clip["source_range"]["duration"]
    start = {**duration, "value": 0.0}
    length = {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": length}


def _between_in_and_out(cut: Cut, timeline: Timeline) -> tuple[Cut, bool]:
    """The cut between the timeline's In and Out, and whether they are set. Editors use them because
    Resolve's API has no selection of clips."""
    if not has_method(timeline, "GetMarkInOut"):
        return cut, False
    in_out: Any = timeline.GetMarkInOut() or {}
    video_range = in_out.get("video") or {}
    if "in" not in video_range or "out" not in video_range:
        return cut, False
    first, last = (timeline.GetStartFrame() + int(video_range[key]) for key in ("in", "out"))

    def within(record: Any) -> bool:
        return record is None or (record.first <= last and first <= record.last)

    shots = tuple(item for item in cut.shots if within(item.shot.record_range))
    problems = tuple(problem for problem in cut.problems if within(problem.record_range))
    return replace(cut, shots=shots, problems=problems), True


def _with_media_checked(cut: Cut, clips: dict[str, TimelineClip], colour: ProjectColour) -> Cut:
    """The cut without shots that cannot be sent; files of plates to render are not checked."""
    readable, to_render, problems = [], set(), []
    for item in cut.shots:
        plate = clips[item.clip_id].plate if item.clip_id in clips else None
        if plate is None:
            message = "Resolve exports this clip, but the timeline has no clip at this position"
            next_step = "reload; if the problem remains, replace the clip in the timeline"
            problems.append(item.problem(ProblemKind.BROKEN, message, next_step))
        elif plate.is_readable:
            readable.append(item)
            if name := colour.untranslated_name(plate):
                rule = "the gateway's file rules decide its colour space"
                message = f"Resolve reads it as {name}, which has no known OCIO name: {rule}"
                next_step, kind = "check the clip's Input Color Space", ProblemKind.ASSUMED
                problems.append(item.problem(kind, message, next_step, skipped=False))
        elif colour.render_space is None:
            message = f"Resolve would have to render this camera file, but {colour.unknown_reason}"
            problems.append(item.problem(ProblemKind.UNSUPPORTED, message, colour.next_step))
        else:
            to_render.add(item.clip_id)
    checked = check_media(replace(cut, shots=tuple(readable)))
    checked_by_clip = {item.clip_id: item for item in checked.shots}
    kept = [item for item in cut.shots if item.clip_id in checked_by_clip.keys() | to_render]
    shots = (checked_by_clip.get(item.clip_id, item) for item in kept)
    return replace(cut, shots=tuple(shots), problems=(*checked.problems, *problems))
