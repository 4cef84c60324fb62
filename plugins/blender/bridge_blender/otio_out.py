"""The sequencer's cut as OTIO: a track for each channel, and what it cannot carry in words.

- A channel becomes a track, the stretches between its strips gaps. Sound goes on tracks of its own.
- A constant speed becomes a linear time warp, whatever way Blender had of changing it.
- A cross fade of two strips becomes a transition: both stand on the track of the first, and meet in
  the middle of the fade, or where the cut had them meet that the fade came from.
- Versions become further media references of their plate's clip; the one in use is active.
- The scene's markers become markers of the timeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from bridge_core.errors import TimelineError
from bridge_core.models.media import PlateKind
from bridge_core.timeline.clock import rational_time, time_range
from bridge_core.timeline.cut import CutSource
from bridge_core.timeline.document import DEFAULT_KEY, NAMESPACE, Document, Json, save
from bridge_core.timeline.reading import survey
from bridge_core.timeline.writing import PlacedVersion, put_versions

from . import otio_nodes
from . import sequencer_api as api
from .media import absolute, rate_of, source_of
from .remembered import fade_before, plate_mark, version_mark, version_of
from .shots import speed_effects
from .speed import Unfit
from .strips import Stack, stack_of

#: Effects that mix one strip into the next.
CROSS = ("CROSS", "GAMMA_CROSS")


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a strip (its name) that does not go along."""

    strip: str
    what: str

    def __str__(self) -> str:
        return f"{self.strip}: {self.what}"


@dataclass(slots=True)
class _Item:
    """A strip on its way onto a track: shown from ``first`` to before ``end``."""

    strip: Any
    node: Json
    first: int
    end: int


@dataclass(slots=True)
class _Track:
    name: str
    kind: str
    enabled: bool
    items: list[_Item] = field(default_factory=list)
    fades: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By the frame where two items meet: frames before and after it."""

    def is_free(self, first: int, end: int) -> bool:
        return all(end <= one.first or one.end <= first for one in self.items)


def write_cut(scene: Any, target: Path, *, overwrite: bool = False) -> list[Loss]:
    """Write what the scene's sequencer holds to ``target``, an ``.otio`` file.

    :raises TimelineError: there are no strips, or the target exists and ``overwrite`` is not set.
    :raises NotWritable: the target cannot be written.
    """
    strips = list(api.strips_of(scene.sequence_editor)) if scene.sequence_editor else []
    if not strips:
        raise TimelineError(
            "there are no strips to write",
            where=f"the sequencer of {scene.name}",
            next_step="add movies, images or sounds in the Video Sequencer first",
        )
    writer = _Writer(scene, strips)
    save(writer.document(target), target, overwrite=overwrite)
    return writer.losses


class _Writer:
    def __init__(self, scene: Any, strips: list[Any]) -> None:
        self.scene, self.strips = scene, strips
        self.rate = rate_of(scene)
        self.effects = speed_effects(strips)
        self.start = min(scene.frame_start, *(api.bounds(one)[0] for one in strips))
        self.losses: list[Loss] = []
        self.stacks: list[tuple[Json, Stack]] = []
        self.tracks: dict[tuple[int, str], _Track] = {}
        self.home: dict[str, _Track] = {}

    def document(self, target: Path) -> Json:
        for strip in sorted(self.strips, key=lambda one: (one.channel, api.bounds(one)[0])):
            self._strip(strip)
        for strip in self.strips:
            if strip.type in CROSS:
                self._fade(strip)
        ordered = sorted(self.tracks.items(), key=lambda one: (one[0][1] == "Audio", one[0][0]))
        timeline: Json = {
            "OTIO_SCHEMA": "Timeline.1",
            "metadata": {},
            "name": f"{Path(bpy.data.filepath).stem or 'untitled'} {self.scene.name}",
            "global_start_time": rational_time(Fraction(self.start), self.rate),
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "metadata": {},
                "name": "tracks",
                "source_range": None,
                "effects": [],
                "markers": list(self._markers()),
                "enabled": True,
                "children": [self._track(track) for _, track in ordered if track.items],
            },
        }
        self._versions(Document(CutSource(target), timeline, timeline))
        return timeline

    def _strip(self, strip: Any) -> None:
        if strip.type in ("SPEED", *CROSS):
            return
        mark = version_mark(strip)
        if mark is not None and stack_of(strip) is not None:
            return  # goes along as a reference of its plate
        if strip.type == "SOUND":
            node = self._sound(strip)
        elif strip.type in api.PICTURES:
            node = self._picture(strip)
        else:
            self._lose(strip, f"a strip of the kind {strip.type.lower()} is nothing that OTIO has")
            return
        kind = "Audio" if strip.type == "SOUND" else "Video"
        left, right = api.bounds(strip)
        track = self._track_of(_seen(strip).channel, kind)
        track.items.append(_Item(strip, node, left, right))
        self.home[strip.name] = track

    def _track_of(self, channel: int, kind: str) -> _Track:
        told = self.scene.sequence_editor.channels[channel]
        return self.tracks.setdefault((channel, kind), _Track(told.name, kind, not told.mute))

    def _picture(self, strip: Any) -> Json:
        stack = stack_of(strip)
        hidden = strip.mute and not (stack and any(not one.mute for one in stack.versions))
        for told in _left_behind(strip):
            self._lose(strip, told)
        try:
            source = source_of(strip, self.scene, self.effects.get(strip.name))
        except Unfit as unfit:
            self._lose(strip, f"{unfit.what}; its media is left out. Next: {unfit.next_step}")
            return self._clip(strip, otio_nodes.missing(), None, 0, hidden)
        plate, first = source.plate, source.cut_range.first
        if source.to_render:
            self._lose(strip, "it shows a scene, which is in no file; render it, and cut that in")
            reference = otio_nodes.scene_reference(strip)
        else:
            reference = otio_nodes.plate_reference(plate)
        node = self._clip(strip, reference, plate.range.rate, first, hidden)
        retime = source.run.retime(self.rate, plate.range.rate)
        if plate.kind is not PlateKind.STILL and not retime.identity:
            node["effects"].append(otio_nodes.warp(retime.speed))
        own = plate_mark(strip)
        if own:
            names = {"clip": own.clip, "sequence": own.sequence, "shot": own.shot}
            node["metadata"][NAMESPACE] = names
        if stack is not None:
            self.stacks.append((node, stack))
        return node

    def _sound(self, strip: Any) -> Json:
        left, _ = api.bounds(strip)
        start, end = (round(value) for value in api.content_bounds(strip))
        if abs(strip.volume - 1) > 1e-3:
            self._lose(strip, f"its volume of {strip.volume:.2f}")
        if abs(strip.pan) > 1e-3:
            self._lose(strip, f"its pan of {strip.pan:.2f}")
        if strip.sound is None:
            self._lose(strip, "its sound is gone")
            return self._clip(strip, otio_nodes.missing(), None, 0, strip.mute)
        reference = {
            **otio_nodes.external(absolute(strip.sound.filepath)),
            "available_range": time_range(Fraction(0), (end - start) / self.rate, self.rate),
        }
        return self._clip(strip, reference, self.rate, left - start, strip.mute)

    def _clip(
        self, strip: Any, reference: Json, rate: Fraction | None, first: int, hidden: bool
    ) -> Json:
        """``first`` counts in the media's frames, at ``rate``; the length in the scene's."""
        left, right = api.bounds(strip)
        return {
            "OTIO_SCHEMA": "Clip.2",
            "metadata": {},
            "name": strip.name,
            "source_range": self._range(first, rate or self.rate, right - left),
            "effects": [],
            "markers": [],
            "enabled": not hidden,
            "media_references": {DEFAULT_KEY: reference},
            "active_media_reference_key": DEFAULT_KEY,
        }

    def _range(self, first: int, rate: Fraction, count: int) -> Json:
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": rational_time(Fraction(first), rate),
            "duration": rational_time(Fraction(count), self.rate),
        }

    def _fade(self, effect: Any) -> None:
        """Have both strips meet within the fade, on the track of the first."""
        shown = [_plate_of((api.inputs_of(one) or (one,))[0]) for one in api.inputs_of(effect)]
        one, two = sorted(shown, key=lambda strip: api.bounds(strip)[0])
        left, right = api.bounds(effect)
        middle = left + fade_before(effect, right - left)
        home, other = self.home.get(one.name), self.home.get(two.name)
        first = next((item for item in home.items if item.strip == one), None) if home else None
        second = next((item for item in other.items if item.strip == two), None) if other else None
        if home is None or other is None or first is None or second is None:
            self._lose(effect, "a fade of something that has no media")
            return
        if any(_backwards(item) for item in (first, second)):
            self._lose(effect, "a fade of a strip that runs backwards")
            return
        if home is not other and not home.is_free(right, second.end):
            self._lose(effect, f"the fade: other strips stand where {two.name} would have to go")
            return
        self._cut(first, first.first, middle)
        self._cut(second, middle, second.end)
        if home is not other:
            other.items.remove(second)
            home.items.append(second)
            self.home[two.name] = home
        home.fades[middle] = (middle - left, right - middle)

    def _cut(self, item: _Item, first: int, end: int) -> None:
        """Shorten what an item shows; its media starts that much later, at its speed."""
        span = item.node["source_range"]
        speed = Fraction(1)
        for effect in item.node["effects"]:
            speed *= Fraction(effect["time_scalar"]).limit_denominator(100_000)
        rate = span["start_time"]["rate"]
        later = Fraction(first - item.first) / self.rate * Fraction(rate) * speed
        span["start_time"]["value"] += float(later)
        span["duration"]["value"] = float(end - first)
        item.first, item.end = first, end

    def _track(self, track: _Track) -> Json:
        children: list[Json] = []
        at = self.start
        for item in sorted(track.items, key=lambda one: one.first):
            if item.first > at:
                children.append(otio_nodes.gap(self._range(0, self.rate, item.first - at)))
            elif item.first in track.fades:
                children.append(otio_nodes.dissolve(*track.fades[item.first], self.rate))
            children.append(item.node)
            at = item.end
        return {
            "OTIO_SCHEMA": "Track.1",
            "metadata": {},
            "name": track.name,
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": track.enabled,
            "kind": track.kind,
            "children": children,
        }

    def _markers(self) -> Iterator[Json]:
        for marker in sorted(self.scene.timeline_markers, key=lambda one: one.frame):
            yield {
                "OTIO_SCHEMA": "Marker.2",
                "metadata": {},
                "name": marker.name,
                "color": "GREEN",
                "comment": "",
                "marked_range": self._range(marker.frame - self.start, self.rate, 1),
            }

    def _versions(self, document: Document) -> None:
        """Give each clip the versions of its plate; the one in use is active."""
        found = survey(document, handles=0)
        by_node = {id(node): clip for clip, node in found.clips.items()}
        wanted: dict[str, list[PlacedVersion]] = {}
        active: list[tuple[Json, str]] = []
        for node, stack in self.stacks:
            clip = by_node.get(id(node))
            for strip in stack.versions if clip else ():
                mark, version = version_mark(strip), version_of(strip)
                if mark is None or version is None or mark.output != "main":
                    self._lose(strip, "it stays behind: only main outputs of versions go along")
                    continue
                placed = PlacedVersion(version, str(_folder(strip)), mark.output)
                wanted.setdefault(clip or "", []).append(placed)
                if not strip.mute:
                    active.append((node, placed.key))
        put_versions(document, wanted)
        for node, _ in self.stacks:
            node["active_media_reference_key"] = DEFAULT_KEY
        for node, key in active:
            node["active_media_reference_key"] = key

    def _lose(self, strip: Any, what: str) -> None:
        self.losses.append(Loss(strip.name, what))


def _seen(strip: Any) -> Any:
    """The version that stands in a plate's place, or the strip itself where none does."""
    stack = stack_of(strip)
    swapped = stack.in_place if stack else ()
    return next((one for one in swapped if not one.mute), strip)


def _plate_of(strip: Any) -> Any:
    """The plate of a version's strip; any other strip itself."""
    stack = stack_of(strip)
    return stack.plate if stack else strip


def _left_behind(strip: Any) -> Iterator[str]:
    moved = strip.transform
    if (moved.offset_x, moved.offset_y, moved.rotation) != (0, 0, 0):
        yield "where it is moved or turned in the picture"
    if any((strip.crop.min_x, strip.crop.max_x, strip.crop.min_y, strip.crop.max_y)):
        yield "its crop"
    if len(strip.modifiers):
        yield f"its modifiers ({', '.join(one.name for one in strip.modifiers)})"
    if strip.blend_type not in ("ALPHA_OVER", "REPLACE", "CROSS") or strip.blend_alpha < 1:
        yield f"how it is blended ({strip.blend_type.lower()}, {strip.blend_alpha:.2f})"


def _backwards(item: _Item) -> bool:
    return any(effect["time_scalar"] < 0 for effect in item.node["effects"])


def _folder(strip: Any) -> Path:
    """Folder of a version's files, above the one that its pattern may name."""
    version, mark = version_of(strip), version_mark(strip)
    path = strip.directory if hasattr(strip, "directory") else strip.filepath
    folder = Path(absolute(path))
    outputs = version.outputs if version and mark else ()
    pattern = next((one.pattern for one in outputs if mark and one.name == mark.output), "")
    above = len(Path(pattern.replace("\\", "/")).parts) - (1 if hasattr(strip, "directory") else 0)
    return folder.parents[above - 1] if above > 0 else folder
