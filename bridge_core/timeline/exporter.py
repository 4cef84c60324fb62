"""Export a cut for a given reader, with a warning for everything that the reader does not get.

The cut itself stays unchanged; exports are made from it, used and discarded.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge_core.errors import TimelineError
from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    is_movie,
)
from bridge_core.timeline import openrv_annotations
from bridge_core.timeline.cut import CutSource, ProblemKind, UnusableClipError
from bridge_core.timeline.document import (
    MALFORMED_ERRORS,
    MAX_DEPTH,
    NAMESPACE,
    Document,
    JsonObject,
    get_list,
    load_document,
    media_references,
    plate_key,
    save_otio,
    schema_name,
    shotbridge_metadata,
)
from bridge_core.timeline.export_media import (
    ImageSequence,
    bracket_pattern,
    rebase_clip,
    to_sequence_reference,
)
from bridge_core.timeline.export_profiles import (
    ExportProfile,
    RangeOrigin,
    SequenceNaming,
    get_profile,
)
from bridge_core.timeline.markers import read_note
from bridge_core.timeline.media_paths import sequence_pattern, url_to_path
from bridge_core.timeline.media_reference_builder import (
    make_references_absolute,
    reference_fields,
)
from bridge_core.timeline.media_reference_reader import SourceMedia, read_media_reference
from bridge_core.timeline.media_times import MediaTimes, exceeds_media
from bridge_core.timeline.otio_time import nearest_frame, read_time_range, to_exact_rate
from bridge_core.timeline.retimes import time_effects

_REFERENCE_SCHEMAS = frozenset(
    {"ExternalReference", "ImageSequenceReference", "GeneratorReference", "MissingReference"}
)
_ITEM_SCHEMAS = frozenset({"Clip", "Gap", "Stack", "Track", "Transition"})


@dataclass(frozen=True, slots=True)
class ExportWarning:
    """Something of a clip that the reader does not get."""

    clip_name: str
    track: str
    message: str

    def __str__(self) -> str:
        return f"{self.track}, {self.clip_name or 'unnamed item'}: {self.message}"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The exported file and its warnings; ``limitations`` apply to every cut in the profile."""

    profile: str
    target: Path
    warnings: tuple[ExportWarning, ...]
    limitations: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.limitations, *map(str, self.warnings)])


def export_timeline(
    source: str | Path | CutSource,
    target: str | Path,
    profile_name: str,
    *,
    overwrite: bool = False,
) -> ExportReport:
    """Write the cut ``source`` for one reader to ``target``, an ``.otio`` file.

    ``profile_name`` is a key of :data:`bridge_core.timeline.export_profiles.PROFILES`. For a cut
    that was read before, ``source`` is :attr:`bridge_core.timeline.cut.Cut.source`.

    :raises InvalidRequest: there is no such profile.
    :raises TimelineError: the cut cannot be read, or the target exists and ``overwrite`` is unset.
    :raises NotWritable: the target cannot be written.
    """
    chosen = get_profile(profile_name)
    document, target = load_document(source), Path(target)
    if target.exists() and target.samefile(document.path):
        raise TimelineError(
            "the export would overwrite the cut that it is made from",
            where=str(target),
            next_step="give the export another name",
        )
    make_references_absolute(document, target)
    warnings = _Exporter(document, chosen).run()
    save_otio(document.root, target, overwrite=overwrite)
    return ExportReport(chosen.name, target, tuple(warnings), chosen.limitations)


class _Exporter:
    def __init__(self, document: Document, chosen: ExportProfile) -> None:
        self.document = document
        self.profile = chosen
        self.folder = document.path.absolute().parent
        self.warnings: list[ExportWarning] = []
        self.track_name = ""
        self.in_audio_track = False
        """Inside an audio track, whose files have no frame numbers."""

    def run(self) -> list[ExportWarning]:
        timeline = self.document.timeline
        stack = timeline.get("tracks")
        openrv_annotations.restore_tracks(stack)
        children = get_list(stack, "children")
        for number, track in enumerate(children, 1):
            self.track_name = str((isinstance(track, dict) and track.get("name")) or f"V{number}")
            children[number - 1] = self._export_item(track, (id(stack),))
        if isinstance(stack, dict):
            stack["children"] = [child for child in children if child is not None]
            if self.profile.annotations:
                for track, clip, message in openrv_annotations.separate_annotations(stack):
                    self.warnings.append(ExportWarning(clip, track, message))
        return self.warnings

    def _warn(self, item: Any, message: str) -> None:
        name = item.get("name") if isinstance(item, dict) else ""
        self.warnings.append(ExportWarning(str(name or ""), self.track_name, message))

    def _export_item(self, node: Any, ancestors: tuple[int, ...]) -> Any:
        """The item as the reader accepts it; None if it cannot be exported."""
        try:
            item = self.document.dereference(node)
        except ValueError as error:
            self._warn(node, f"skipped: {error}")
            return None
        if id(item) in ancestors:
            self._warn(item, "skipped: it contains itself")
            return None
        if len(ancestors) > MAX_DEPTH:
            self._warn(item, f"skipped: it is nested more than {MAX_DEPTH} deep")
            return None
        if item is not node:
            # In OTIO, an item has one parent only.
            item = copy.deepcopy(item)
            item.pop("OTIO_REF_ID", None)
        kind = schema_name(item)
        if kind not in _ITEM_SCHEMAS:
            self._warn(item, f"skipped: OTIO does not know items of this kind ({kind})")
            return _gap_for(item) if isinstance(item, dict) and item.get("source_range") else None
        warning_count = len(self.warnings)
        try:
            self._export_effects(item)
            if kind == "Clip":
                return self._export_clip(item)
        except MALFORMED_ERRORS as error:
            del self.warnings[warning_count:]
            self._warn(item, f"it is damaged and was exported as far as it could be read: {error}")
        if kind in ("Stack", "Track"):
            was_in_audio_track = self.in_audio_track
            self.in_audio_track |= str(item.get("kind", "")).casefold() == "audio"
            inner = (*ancestors, id(item))
            children = [self._export_item(child, inner) for child in get_list(item, "children")]
            item["children"] = [child for child in children if child is not None]
            self.in_audio_track = was_in_audio_track
        return item

    def _export_effects(self, item: JsonObject) -> None:
        kept = []
        for effect in get_list(item, "effects"):
            kind = schema_name(effect)
            if kind in self.profile.effects:
                kept.append(effect)
            else:
                self._warn(item, f"the reader does not know effect {kind}; it was removed")
        if "effects" in item:
            item["effects"] = kept
        for effect in time_effects(item):
            kind = schema_name(effect)
            if kind == "TimeEffect" and not self.profile.speed_ramps:
                message = "the reader does not support speed ramps; it plays at normal speed"
                self._warn(item, message)
            speed = 0 if kind == "FreezeFrame" else effect.get("time_scalar", 1)
            if speed <= 0 and kind != "TimeEffect" and not self.profile.reverse_speed:
                self._warn(item, f"the reader does not support speed {speed}; it shows a freeze")

    def _export_clip(self, clip: JsonObject) -> JsonObject:
        references, active = media_references(clip)
        shown = references.get(active)
        if self.profile.gaps_for_missing_media and _has_no_media(shown):
            source_range = clip.get("source_range") or (shown or {}).get("available_range")
            self._warn(clip, "it has no media (a title, or offline); it was replaced by a gap")
            return _gap_for({**clip, "source_range": source_range}) if source_range else clip
        for key, reference in references.items():
            kind = schema_name(reference)
            if kind not in _REFERENCE_SCHEMAS:
                message = f"the reader does not know media reference {key} ({kind or 'none'})"
                self._warn(clip, message)
                references[key] = _missing_reference()
        plate = references.get(plate_key(clip))
        media = self._read_source_media(clip, plate, references.get(active))
        times = MediaTimes.from_reference(media, plate, clip.get("source_range")) if media else None
        if self.profile.annotations:
            for message in openrv_annotations.annotate_clip(clip, times, references, active):
                self._warn(clip, message)
        self._export_markers(clip)
        if times is not None:
            shown, origin = references.get(active) or {}, self.profile.range_origin
            rebase_clip(clip, times, references.values(), shown, origin)
        for key, reference in references.items():
            references[key] = self._export_reference(clip, reference)
        if media is None or not media.is_still:
            self._check_version_length(clip, references, active)
        if not self.profile.multiple_references:
            self._keep_active_reference(clip, references, active)
        return clip

    def _read_source_media(
        self, clip: JsonObject, reference: Any, active: Any
    ) -> SourceMedia | None:
        """The media of a clip's reference; None for audio, and for media that cannot be used."""
        available = active.get("available_range") if isinstance(active, dict) else None
        source_range = read_time_range(clip.get("source_range") or available)
        if source_range is None or self.in_audio_track:
            return None
        try:
            return read_media_reference(reference, self.folder, source_range)
        except UnusableClipError as error:
            is_rebased = self.profile.range_origin is not RangeOrigin.UNCHANGED
            if is_rebased and error.kind is ProblemKind.UNSUPPORTED:
                self._warn(clip, f"its ranges are unchanged: {error.message}")
            return None

    def _check_version_length(
        self, clip: JsonObject, references: dict[str, Any], active: str
    ) -> None:
        reference = references.get(active) or {}
        is_version = "version" in shotbridge_metadata(reference)
        if is_version and exceeds_media(clip.get("source_range"), reference.get("available_range")):
            self._warn(
                clip,
                f"{_reference_title(clip, active)} holds all frames that the cut shows, but not "
                "all of the clip's source range, since the clip is retimed or trimmed by its nest",
            )

    def _export_reference(self, clip: JsonObject, reference: JsonObject) -> JsonObject:
        """A media reference in the reader's naming."""
        naming, sequence = self.profile.sequence_naming, None
        if naming is not SequenceNaming.UNCHANGED:
            sequence = self._read_sequence(clip, reference)
        if sequence is None:
            url = reference.get("target_url")
            if self.profile.native_paths and isinstance(url, str) and url:
                try:
                    reference["target_url"] = url_to_path(url, self.folder)
                except UnusableClipError as error:
                    self._warn(clip, error.message)
            return reference
        if naming is SequenceNaming.IMAGE_SEQUENCE_REFERENCE:
            return to_sequence_reference(reference, sequence)
        path = bracket_pattern(sequence) if naming is SequenceNaming.BRACKETS else sequence.pattern
        fields = reference_fields(reference)
        fields["metadata"].setdefault(NAMESPACE, {})["first_frame"] = sequence.first_frame
        return {"OTIO_SCHEMA": "ExternalReference.1", **fields, "target_url": path}

    def _read_sequence(self, clip: JsonObject, reference: JsonObject) -> ImageSequence | None:
        """The image sequence of a reference, in any spelling; None for other media."""
        if schema_name(reference) == "ImageSequenceReference":
            available = read_time_range(reference.get("available_range"))
            own_rate = reference.get("rate")
            # 1 is OTIO's default rate, see media_reference_reader.py.
            has_own_rate = own_rate and own_rate != 1
            rate = to_exact_rate(own_rate) if has_own_rate else available and available.rate
            length = nearest_frame(available.duration, rate) if available and rate else None
            path = sequence_pattern(reference, self.folder)
            first = int(reference.get("start_frame") or 0)
            return ImageSequence(path, first, length, None)
        source_range = read_time_range(clip.get("source_range") or reference.get("available_range"))
        is_external = schema_name(reference) == "ExternalReference"
        if not is_external or source_range is None or self.in_audio_track:
            return None
        try:
            media = read_media_reference(reference, self.folder, source_range)
        except UnusableClipError:
            return None
        is_numbered = not is_movie(media.path) and not media.is_still
        if not is_numbered or FRAME_NUMBER_PATTERN.search(media.path.rpartition("/")[2]) is None:
            return None
        times = MediaTimes.from_reference(media, reference, clip.get("source_range"))
        return ImageSequence(media.path, media.first_frame, media.length, times)

    def _keep_active_reference(
        self, clip: JsonObject, references: dict[str, Any], active: str
    ) -> None:
        dropped = [_reference_title(clip, key) for key in references if key != active]
        if dropped:
            exported = _reference_title(clip, active)
            self._warn(clip, f"only {exported} was exported, without {', '.join(dropped)}")
        clip["OTIO_SCHEMA"] = "Clip.1"
        clip.pop("media_references", None)
        clip.pop("active_media_reference_key", None)
        clip["media_reference"] = references.get(active) or _missing_reference()

    def _export_markers(self, clip: JsonObject) -> None:
        for marker in get_list(clip, "markers"):
            if not isinstance(marker, dict):
                continue
            note = read_note(marker)
            if self.profile.resolve_marker_notes and marker.get("comment"):
                metadata = marker.setdefault("metadata", {})
                metadata.setdefault("Resolve_OTIO", {})["Note"] = marker["comment"]
            if note is not None and self.profile.marker_colour:
                marker["color"] = self.profile.marker_colour
            if note is not None and note.strokes and not self.profile.annotations:
                count = len(note.strokes)
                drawings = f"{count} drawing{'s' if count > 1 else ''}"
                self._warn(clip, f"the reader does not show {drawings} of the note by {note.by}")


def _reference_title(clip: JsonObject, key: str) -> str:
    return "the plate" if key == plate_key(clip) else key


def _has_no_media(reference: Any) -> bool:
    return schema_name(reference) in ("", "MissingReference", "GeneratorReference")


def _missing_reference() -> JsonObject:
    fields: JsonObject = {"metadata": {}, "name": "", "available_range": None}
    return {"OTIO_SCHEMA": "MissingReference.1", **fields}


def _gap_for(item: JsonObject) -> JsonObject:
    """A gap of an item's length, with its name, metadata and markers."""
    keys = ("name", "metadata", "markers", "source_range", "enabled")
    return {"OTIO_SCHEMA": "Gap.1", "effects": [], **{k: item[k] for k in keys if k in item}}
