"""Exports the sequencer's cut as OTIO, with warnings for what OTIO cannot represent.

- A channel becomes a track, the space between strips becomes gaps. Sound gets separate tracks.
- A constant speed becomes a linear time warp, however it was set in Blender.
- A cross fade becomes a transition: both strips are put on the track of the first, and the cut is
  in the middle of the fade, or where it was in the file that the fade was imported from.
- Versions become additional media references of their plate's clip; the visible one is active.
- The scene's markers become markers of the timeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from bridge_core.errors import TimelineError
from bridge_core.models.media import PlateKind
from bridge_core.timeline.cut import CutSource
from bridge_core.timeline.cut_reader import index_cut
from bridge_core.timeline.document import (
    DEFAULT_MEDIA_KEY,
    NAMESPACE,
    Document,
    JsonObject,
    save_otio,
)
from bridge_core.timeline.otio_time import to_rational_time, to_time_range
from bridge_core.timeline.version_writer import PlacedVersion, place_versions

from . import otio_json
from . import sequencer_api as api
from .custom_properties import (
    plate_properties,
    stored_fade_offset,
    stored_version,
    version_properties,
)
from .media import absolute_path, scene_rate, strip_media
from .retime import UnsupportedStripError
from .shots import speed_effects
from .version_strips import VersionStack, version_stack

#: Effects that mix one strip into the next.
CROSS_FADES = ("CROSS", "GAMMA_CROSS")


@dataclass(frozen=True, slots=True)
class ConversionWarning:
    """A property of a strip or marker that is not converted."""

    source_name: str
    message: str

    def __str__(self) -> str:
        return f"{self.source_name}: {self.message}"


@dataclass(slots=True, eq=False)
class _ExportItem:
    """A strip on a track, from ``first`` to before ``end``."""

    track: _ExportTrack
    node: JsonObject
    first: int
    end: int


@dataclass(slots=True, eq=False)
class _ExportTrack:
    name: str
    kind: str
    enabled: bool
    items: list[_ExportItem] = field(default_factory=list)
    fades: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Frames before and after a cut, by the frame of the cut."""

    def is_free(self, first: int, end: int) -> bool:
        return all(end <= item.first or item.end <= first for item in self.items)


def export_cut(scene: Any, target: Path, *, overwrite: bool = False) -> list[ConversionWarning]:
    """Export the scene's sequencer to ``target``, an ``.otio`` file.

    :raises TimelineError: there are no strips, or the target exists and ``overwrite`` is not set.
    :raises NotWritable: the target cannot be written.
    """
    strips = list(api.strips_of(scene.sequence_editor)) if scene.sequence_editor else []
    if not strips:
        message = "there are no strips to export"
        next_step = "add movies, images or sounds in the Video Sequencer first"
        raise TimelineError(message, where=f"the sequencer of {scene.name}", next_step=next_step)
    exporter = _CutExporter(scene, strips)
    save_otio(exporter.build(target), target, overwrite=overwrite)
    return exporter.warnings


class _CutExporter:
    def __init__(self, scene: Any, strips: list[Any]) -> None:
        self.scene, self.strips = scene, strips
        self.rate = scene_rate(scene)
        self.effects = speed_effects(strips)
        self.start = min(scene.frame_start, *(api.bounds(strip)[0] for strip in strips))
        self.warnings: list[ConversionWarning] = []
        self.stacks: list[tuple[JsonObject, VersionStack]] = []
        self.tracks: dict[tuple[int, str], _ExportTrack] = {}
        self.item_by_strip: dict[str, _ExportItem] = {}

    def build(self, target: Path) -> JsonObject:
        for strip in sorted(self.strips, key=lambda strip: (strip.channel, api.bounds(strip)[0])):
            self._add_strip(strip)
        for strip in self.strips:
            if strip.type in CROSS_FADES:
                self._add_fade(strip)
        ordered = sorted(self.tracks.items(), key=lambda pair: (pair[0][1] == "Audio", pair[0][0]))
        tracks = [self._track_json(track) for _, track in ordered if track.items]
        markers = list(self._markers_json())
        name = f"{Path(bpy.data.filepath).stem or 'untitled'} {self.scene.name}"
        stack = otio_json.item("Stack.1", "tracks", None, markers=markers, children=tracks)
        start = to_rational_time(Fraction(self.start), self.rate)
        timeline = otio_json.node("Timeline.1", name, global_start_time=start, tracks=stack)
        self._add_versions(Document(CutSource(target), timeline, timeline))
        return timeline

    def _add_strip(self, strip: Any) -> None:
        if strip.type in ("SPEED", *CROSS_FADES):
            return
        properties = version_properties(strip)
        if properties is not None and version_stack(strip) is not None:
            return  # becomes a reference of its plate
        if strip.type == "SOUND":
            node = self._sound_clip(strip)
        elif strip.type in api.PICTURE_TYPES:
            node = self._picture_clip(strip)
        else:
            self._warn(strip, f"OTIO has no strips of type {strip.type.lower()}")
            return
        kind = "Audio" if strip.type == "SOUND" else "Video"
        track = self._export_track(_visible_strip(strip).channel, kind)
        item = self.item_by_strip[strip.name] = _ExportItem(track, node, *api.bounds(strip))
        track.items.append(item)

    def _export_track(self, channel: int, kind: str) -> _ExportTrack:
        settings = self.scene.sequence_editor.channels[channel]
        track = _ExportTrack(settings.name, kind, not settings.mute)
        return self.tracks.setdefault((channel, kind), track)

    def _picture_clip(self, strip: Any) -> JsonObject:
        stack = version_stack(strip)
        hidden = strip.mute and not (stack and any(not version.mute for version in stack.versions))
        for description in _unsupported_properties(strip):
            self._warn(strip, description)
        try:
            source = strip_media(strip, self.scene, self.effects.get(strip.name))
        except UnsupportedStripError as error:
            self._warn(strip, f"{error.message}; its media is left out. Next: {error.next_step}")
            return self._clip(strip, otio_json.missing_reference(), None, 0, hidden)
        plate, first = source.plate, source.cut_range.first
        if source.needs_render:
            message = "it shows a scene, which has no file; render it, and use the file instead"
            self._warn(strip, message)
            reference = otio_json.scene_reference(strip)
        else:
            reference = otio_json.plate_reference(plate)
        node = self._clip(strip, reference, plate.range.rate, first, hidden)
        retime = source.frame_mapping.to_retime(self.rate, plate.range.rate)
        if plate.kind is not PlateKind.STILL and not retime.is_identity:
            node["effects"].append(otio_json.time_warp(retime.speed))
        properties = plate_properties(strip)
        if properties:
            names = asdict(properties)
            node["metadata"][NAMESPACE] = {"clip": names.pop("clip_id"), **names}
        if stack is not None:
            self.stacks.append((node, stack))
        return node

    def _sound_clip(self, strip: Any) -> JsonObject:
        left, _ = api.bounds(strip)
        start, end = (round(value) for value in api.content_bounds(strip))
        if abs(strip.volume - 1) > 1e-3:
            self._warn(strip, f"its volume of {strip.volume:.2f}")
        if abs(strip.pan) > 1e-3:
            self._warn(strip, f"its pan of {strip.pan:.2f}")
        if strip.sound is None:
            self._warn(strip, "its sound is missing")
            return self._clip(strip, otio_json.missing_reference(), None, 0, strip.mute)
        reference = otio_json.external_reference(absolute_path(strip.sound.filepath))
        length = (end - start) / self.rate
        reference["available_range"] = to_time_range(Fraction(0), length, self.rate)
        return self._clip(strip, reference, self.rate, left - start, strip.mute)

    def _clip(
        self, strip: Any, reference: JsonObject, rate: Fraction | None, first: int, hidden: bool
    ) -> JsonObject:
        """``first`` is a media frame at ``rate``; the length is in frames of the scene."""
        left, right = api.bounds(strip)
        return otio_json.item(
            "Clip.2",
            strip.name,
            self._range(first, rate or self.rate, right - left),
            enabled=not hidden,
            media_references={DEFAULT_MEDIA_KEY: reference},
            active_media_reference_key=DEFAULT_MEDIA_KEY,
        )

    def _range(self, first: int, rate: Fraction, count: int) -> JsonObject:
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": to_rational_time(Fraction(first), rate),
            "duration": to_rational_time(Fraction(count), self.rate),
        }

    def _add_fade(self, effect: Any) -> None:
        """Put both strips on the track of the first, with the cut inside the fade."""
        faded = api.inputs_of(effect)
        plates = [_plate_of((api.inputs_of(strip) or (strip,))[0]) for strip in faded]
        earlier, later = sorted(plates, key=lambda strip: api.bounds(strip)[0])
        left, right = api.bounds(effect)
        cut_frame = left + stored_fade_offset(effect, right - left)
        first, second = self.item_by_strip.get(earlier.name), self.item_by_strip.get(later.name)
        if first is None or second is None:
            self._warn(effect, "a fade of a strip without media")
            return
        if any(_is_reversed(item) for item in (first, second)):
            self._warn(effect, "a fade of a reversed strip")
            return
        track = first.track
        if track is not second.track and not track.is_free(right, second.end):
            self._warn(effect, f"the fade: other strips are in the way of {later.name}")
            return
        self._trim_item(first, first.first, cut_frame)
        self._trim_item(second, cut_frame, second.end)
        if track is not second.track:
            second.track.items.remove(second)
            track.items.append(second)
            second.track = track
        track.fades[cut_frame] = (cut_frame - left, right - cut_frame)

    def _trim_item(self, item: _ExportItem, first: int, end: int) -> None:
        """Trim an item; its media starts later accordingly, at its speed."""
        span = item.node["source_range"]
        speed = Fraction(1)
        for effect in item.node["effects"]:
            speed *= Fraction(effect["time_scalar"]).limit_denominator(100_000)
        rate = span["start_time"]["rate"]
        later = Fraction(first - item.first) / self.rate * Fraction(rate) * speed
        span["start_time"]["value"] += float(later)
        span["duration"]["value"] = float(end - first)
        item.first, item.end = first, end

    def _track_json(self, track: _ExportTrack) -> JsonObject:
        children: list[JsonObject] = []
        at = self.start
        for item in sorted(track.items, key=lambda item: item.first):
            if item.first > at:
                source_range = self._range(0, self.rate, item.first - at)
                children.append(otio_json.item("Gap.1", "", source_range))
            elif item.first in track.fades:
                children.append(otio_json.dissolve(*track.fades[item.first], self.rate))
            children.append(item.node)
            at = item.end
        fields = {"enabled": track.enabled, "kind": track.kind, "children": children}
        return otio_json.item("Track.1", track.name, None, **fields)

    def _markers_json(self) -> Iterator[JsonObject]:
        for marker in sorted(self.scene.timeline_markers, key=lambda marker: marker.frame):
            marked = self._range(marker.frame - self.start, self.rate, 1)
            fields = {"color": "GREEN", "comment": "", "marked_range": marked}
            yield otio_json.node("Marker.2", marker.name, **fields)

    def _add_versions(self, document: Document) -> None:
        """Add the versions of each plate to its clip; the visible one is active."""
        contents = index_cut(document, handles=0)
        by_node = {id(node): clip for clip, node in contents.clips.items()}
        versions_by_clip: dict[str, list[PlacedVersion]] = {}
        active: list[tuple[JsonObject, str]] = []
        for node, stack in self.stacks:
            clip = by_node.get(id(node))
            for strip in stack.versions if clip else ():
                properties, version = version_properties(strip), stored_version(strip)
                if properties is None or version is None or properties.output != "main":
                    self._warn(strip, "it is left out: only main outputs of versions are exported")
                    continue
                placed = PlacedVersion(version, str(_version_folder(strip)), properties.output)
                versions_by_clip.setdefault(clip or "", []).append(placed)
                if not strip.mute:
                    active.append((node, placed.reference_key))
        place_versions(document, versions_by_clip)
        for node, _ in self.stacks:
            node["active_media_reference_key"] = DEFAULT_MEDIA_KEY
        for node, key in active:
            node["active_media_reference_key"] = key

    def _warn(self, strip: Any, message: str) -> None:
        self.warnings.append(ConversionWarning(strip.name, message))


def _visible_strip(strip: Any) -> Any:
    """The version shown in place of a plate, or the strip itself."""
    stack = version_stack(strip)
    swapped = stack.swapped if stack else ()
    return next((version for version in swapped if not version.mute), strip)


def _plate_of(strip: Any) -> Any:
    """The plate of a version's strip, or the strip itself."""
    stack = version_stack(strip)
    return stack.plate if stack else strip


def _unsupported_properties(strip: Any) -> Iterator[str]:
    moved = strip.transform
    if (moved.offset_x, moved.offset_y, moved.rotation) != (0, 0, 0):
        yield "its position and rotation"
    if any((strip.crop.min_x, strip.crop.max_x, strip.crop.min_y, strip.crop.max_y)):
        yield "its crop"
    if len(strip.modifiers):
        yield f"its modifiers ({', '.join(modifier.name for modifier in strip.modifiers)})"
    if strip.blend_type not in ("ALPHA_OVER", "REPLACE", "CROSS") or strip.blend_alpha < 1:
        yield f"its blending ({strip.blend_type.lower()}, {strip.blend_alpha:.2f})"


def _is_reversed(item: _ExportItem) -> bool:
    return any(effect["time_scalar"] < 0 for effect in item.node["effects"])


def _version_folder(strip: Any) -> Path:
    """Folder of a version's result, above folders that its pattern may name."""
    version, properties = stored_version(strip), version_properties(strip)
    has_folder = hasattr(strip, "directory")
    folder = Path(absolute_path(strip.directory if has_folder else strip.filepath))
    outputs = version.outputs if version and properties else ()
    name = properties.output if properties else ""
    pattern = next((output.pattern for output in outputs if output.name == name), "")
    levels = len(Path(pattern.replace("\\", "/")).parts) - has_folder
    return folder.parents[levels - 1] if levels > 0 else folder
