"""Imports a cut from an OTIO file as strips, with warnings for what Blender cannot represent.

Each track gets a channel above existing strips, sound below pictures. Strips with a dissolve
overlap, so they are put on two channels with the fade above; a changed speed is an effect on a
channel of its own. So a track may need up to five channels. A sequencer without strips gets the
cut's rate and first frame; otherwise the cut starts at the scene's first frame. Disabled clips and
tracks are muted. Missing media gets a strip as well, so that it can be relinked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.errors import HostError, ShotbridgeError
from bridge_core.models.frames import nominal_fps
from bridge_core.models.media import PlateKind, frame_paths
from bridge_core.models.shots import Shot
from bridge_core.timeline.cut import UnusableClipError
from bridge_core.timeline.cut_reader import index_cut
from bridge_core.timeline.document import (
    Document,
    JsonObject,
    get_list,
    load_document,
    media_references,
    schema_name,
)
from bridge_core.timeline.media_paths import url_to_path
from bridge_core.timeline.otio_time import nearest_frame, read_time_range, to_seconds

from . import colour_spaces
from . import sequencer_api as api
from .custom_properties import store_fade_offset
from .media import blend_relative_path, scene_rate
from .otio_export import ConversionWarning
from .version_strips import set_undoable

_LAST_FRAME = 1_048_574  # Blender's limit


def import_cut(scene: Any, path: Path) -> list[ConversionWarning]:
    """Add the cut's strips to the scene's sequencer; existing strips are not moved.

    :raises TimelineError: the cut cannot be read.
    :raises HostError: the cut has another rate than the existing strips, or does not fit into
        Blender's frames or channels; nothing was added.
    """
    document = load_document(path)
    importer = _CutImporter(scene, document, _enable_all(document.timeline))
    importer.run()
    return importer.warnings


@dataclass(frozen=True, slots=True)
class _Fade:
    """A dissolve between two clips, given by their ids; frames count from the cut."""

    first: str
    second: str
    frames_before: int
    frames_after: int


_NO_FADE = _Fade("", "", 0, 0)


@dataclass(frozen=True, slots=True)
class _ChannelLayout:
    """Channels of a track: two that alternate for dissolves, their speed effects, and the fades."""

    strip_channels: tuple[int, int]
    speed_channels: tuple[int, int]
    fade_channel: int
    next_channel: int

    @classmethod
    def of(cls, lowest: int, *, fades: bool, speed_effects: bool) -> _ChannelLayout:
        second = lowest + fades
        speed = second + speed_effects
        other = speed + (fades and speed_effects)
        top = other + fades
        return cls((lowest, second), (speed, other), top, top + 1)


def _enable_all(timeline: JsonObject) -> set[int]:
    """Enable all tracks and clips, so that they are read; returns the ``id()`` of those that were
    disabled."""
    tracks = get_list(timeline.get("tracks"), "children")
    clips = [child for track in tracks for child in get_list(track, "children")]
    items = (node for node in (*tracks, *clips) if schema_name(node) in ("Track", "Clip"))
    disabled = [node for node in items if node.get("enabled") is False]
    for node in disabled:
        node["enabled"] = True
    return {id(node) for node in disabled}


class _CutImporter:
    def __init__(self, scene: Any, document: Document, disabled_ids: set[int]) -> None:
        contents = index_cut(document, handles=0)
        self.scene, self.cut, self.timeline = scene, contents.cut, document.timeline
        self.folder = document.path.absolute().parent
        self.disabled_ids = disabled_ids
        self.clip_by_node_id = {id(node): clip for clip, node in contents.clips.items()}
        self.node_by_clip = contents.clips
        problems = contents.cut.problems
        self.warnings = [ConversionWarning(p.clip_name or p.track, p.message) for p in problems]
        scene.sequence_editor_create()
        self.strips = api.strips_of(scene.sequence_editor)
        self.frame_shift = 0
        self.undo = contextlib.ExitStack()

    def run(self) -> None:
        tracks = get_list(self.timeline.get("tracks"), "children")
        sounds = [track for track in tracks if track.get("kind") == "Audio"]
        numbered = [(n, t) for n, t in enumerate(tracks, 1) if t.get("kind") != "Audio"]
        # By their names in the cut.
        pictures = {track.get("name") or f"V{number}": track for number, track in numbered}
        channel = max((strip.channel for strip in self.strips), default=0) + 1
        layouts: list[tuple[str, list[_Fade], _ChannelLayout]] = []
        lowest = channel + len(sounds)
        for name in dict.fromkeys(item.track for item in self.cut):
            fades = list(self._fades(pictures.get(name, {}), name))
            shots = (item.shot for item in self.cut if item.track == name)
            speeds = any(map(self._needs_speed_effect, shots))
            layout = _ChannelLayout.of(lowest, fades=bool(fades), speed_effects=speeds)
            layouts.append((name, fades, layout))
            lowest = layout.next_channel
            if lowest >= api.MAX_CHANNELS:
                message = f"there is no free channel for the track {name}"
                next_step = "import the cut into an empty sequencer, or with fewer tracks"
                raise HostError(message, where=str(self.cut.path), next_step=next_step)
        with contextlib.ExitStack() as self.undo:
            self._match_scene_timing()
            for number, track in enumerate(sounds, channel):
                name = str(track.get("name") or "")
                self._set_up_channels(range(number, number + 1), name, track)
                self._import_sound_track(track, number)
            for name, fades, channels in layouts:
                channel_numbers = range(channels.strip_channels[0], channels.next_channel)
                self._set_up_channels(channel_numbers, name, pictures.get(name, {}))
                self._import_pictures(name, channels, fades)
            self.undo.pop_all()
        self._import_markers()
        ends = [api.bounds(strip)[1] for strip in self.strips]
        self.scene.frame_end = max(self.scene.frame_start, *(end - 1 for end in ends), 1)

    def _match_scene_timing(self) -> None:
        rate = scene_rate(self.scene)
        if len(self.strips) and rate != self.cut.rate:
            message = f"the cut has {self.cut.rate} frames per second, the scene {rate}"
            next_step = "import it into an empty sequencer, or change the scene's frame rate"
            raise HostError(message, where=str(self.cut.path), next_step=next_step)
        start = self.cut.global_start
        records = (item.shot.record_range for item in self.cut)
        last = max((record.last for record in records if record is not None), default=start)
        empty = not len(self.strips)
        first = start if empty and start >= 0 and last <= _LAST_FRAME else self.scene.frame_start
        if last - start + first > _LAST_FRAME:
            message = "the cut exceeds Blender's maximum frame"
            next_step = "split the cut into reels, and import them separately"
            raise HostError(message, where=str(self.cut.path), next_step=next_step)
        if empty:
            nominal_rate, render = nominal_fps(self.cut.rate), self.scene.render
            set_undoable(self.undo, render, "fps", nominal_rate)
            set_undoable(self.undo, render, "fps_base", float(nominal_rate / self.cut.rate))
            set_undoable(self.undo, self.scene, "frame_start", first)
        self.frame_shift = first - start

    def _set_up_channels(self, channel_numbers: range, name: str, track: JsonObject) -> None:
        """Name the lowest of a track's channels; mute all of them if the track is disabled."""
        channels = self.scene.sequence_editor.channels
        if name:
            set_undoable(self.undo, channels[channel_numbers[0]], "name", name)
        for channel in channel_numbers if id(track) in self.disabled_ids else ():
            set_undoable(self.undo, channels[channel], "mute", True)

    def _fades(self, track: JsonObject, name: str) -> Iterator[_Fade]:
        children = get_list(track, "children")
        for index, child in enumerate(children):
            if schema_name(child) != "Transition":
                continue
            sides = [children[i] for i in (index - 1, index + 1) if 0 <= i < len(children)]
            clips = [self.clip_by_node_id.get(id(side), "") for side in sides]
            if len(clips) < 2 or "" in clips:
                self._warn(name, "a fade from or to black; animate the strip's opacity instead")
                continue
            if any(id(side) in self.disabled_ids for side in sides):
                self._warn(name, "a fade from or to a disabled clip")
                continue
            offsets = (to_seconds(child[key]) for key in ("in_offset", "out_offset"))
            before, after = (nearest_frame(offset, self.cut.rate) for offset in offsets)
            yield _Fade(clips[0], clips[1], before, after)

    def _import_pictures(self, name: str, channels: _ChannelLayout, fades: list[_Fade]) -> None:
        fades_in = {fade.second: fade for fade in fades}
        fades_out = {fade.first: fade for fade in fades}
        strips_by_clip: dict[str, Any] = {}
        on_second_channel = False
        for item in (item for item in self.cut if item.track == name):
            clip, shot = item.clip_id, item.shot
            before = fades_in.get(clip, _NO_FADE).frames_before
            after = fades_out.get(clip, _NO_FADE).frames_after
            # A strip that fades in goes on the other of the two channels.
            on_second_channel = clip in fades_in and not on_second_channel
            self._warn_unsupported(clip)
            channel = channels.strip_channels[on_second_channel]
            strip = self._add_strip(shot, item.clip_name, channel, (before, after))
            speed_channel = channels.speed_channels[on_second_channel]
            top_strip = self._add_speed_effect(strip, shot, speed_channel)
            if id(self.node_by_clip[clip]) in self.disabled_ids:
                strip.mute = top_strip.mute = True
            strips_by_clip[clip] = top_strip
        for fade in fades:
            strips = strips_by_clip[fade.first], strips_by_clip[fade.second]
            bounds = api.bounds(strips[1])[0], api.bounds(strips[0])[1]
            fade_strip = self._add_effect("Fade", "CROSS", channels.fade_channel, bounds, *strips)
            store_fade_offset(fade_strip, fade.frames_before)

    def _warn_unsupported(self, clip: str) -> None:
        """Warn about properties of a clip that strips do not have."""
        node = self.node_by_clip[clip]
        _, active = media_references(node)
        if active.startswith("shotbridge:"):
            message = f"it shows the version {active.partition(':')[2]}; place it from the panel"
            self._warn(str(node.get("name")), message)
        for effect in get_list(node, "effects"):
            if schema_name(effect) not in ("LinearTimeWarp", "FreezeFrame", "TimeEffect"):
                self._warn(str(node.get("name")), f"its effect {effect.get('effect_name') or ''}")
        if get_list(node, "markers"):
            self._warn(str(node.get("name")), "its markers: Blender only has markers on the scene")

    def _add_strip(self, shot: Shot, name: str, channel: int, extension: tuple[int, int]) -> Any:
        """Add a strip for a shot, extended by a number of frames before and after."""
        record, plate = shot.record_range, shot.plate
        assert record is not None  # every shot of a cut has one
        left = record.first + self.frame_shift - extension[0]
        right = record.last + self.frame_shift + 1 + extension[1]
        still, step = plate.kind is PlateKind.STILL, self._frame_step(shot)
        strip = self._add_media_strip(shot, name, still)
        with contextlib.suppress(ShotbridgeError):
            if plate.colour_space:
                strip.colorspace_settings.name = colour_spaces.blender_name(plate.colour_space)
        head = shot.cut_range.first - plate.range.first
        if step == -1:
            strip.use_reverse_frames = True
            head = plate.range.last - shot.cut_range.last
        content_offset = 0 if still else head - round(extension[0] * abs(step))
        api.move_content(strip, left - content_offset)
        api.trim(strip, left, right)
        strip.channel = channel
        return strip

    def _frame_step(self, shot: Shot) -> Fraction:
        """Media frames per frame of the scene."""
        speed = Fraction(1) if shot.retime.keys else shot.retime.speed
        step = speed * shot.plate.range.rate / self.cut.rate
        return step if step >= 0 or step == -1 else -step

    def _needs_speed_effect(self, shot: Shot) -> bool:
        return shot.plate.kind is not PlateKind.STILL and self._frame_step(shot) not in (1, -1)

    def _add_speed_effect(self, strip: Any, shot: Shot, channel: int) -> Any:
        """Add a speed effect if the shot needs one; returns the topmost strip."""
        if shot.retime.keys:
            self._warn(strip.name, "its speed ramp; it plays at normal speed")
        if shot.retime.speed < 0 and self._frame_step(shot) > 0:
            message = f"its reverse speed of {float(shot.retime.speed):g}; it plays forwards"
            self._warn(strip.name, message)
        if not self._needs_speed_effect(shot):
            return strip
        name, bounds = f"{strip.name} speed", api.bounds(strip)
        effect = self._add_effect(name, "SPEED", channel, bounds, strip)
        effect.speed_control, effect.speed_factor = "MULTIPLY", float(self._frame_step(shot))
        effect.use_frame_interpolate = False
        return effect

    def _add_effect(
        self, name: str, kind: str, channel: int, bounds: tuple[int, int], *inputs: Any
    ) -> Any:
        effect = api.new_effect(self.strips, name, kind, channel, bounds, *inputs)
        self.undo.callback(self.strips.remove, effect)
        return effect

    def _add_media_strip(self, shot: Shot, name: str, still: bool) -> Any:
        """Create a strip on the topmost channel: until it is trimmed, it would overlap other
        strips, which Blender would move."""
        if shot.plate.kind is PlateKind.MOVIE:
            path = Path(shot.plate.path)
            strip = self.strips.new_movie(name, str(path), api.MAX_CHANNELS, 1)
            strip.filepath = blend_relative_path(path)
            self._check_movie(shot, path, strip)
        else:
            strip = self._add_image_strip(shot, name, still)
        self.undo.callback(self.strips.remove, strip)
        return strip

    def _check_movie(self, shot: Shot, path: Path, strip: Any) -> None:
        """Warn about missing and short movies. Blender creates a strip for any file; without a size
        if it is not a movie."""
        if not path.is_file():
            self._warn(strip.name, f"{path} does not exist; relink its strip")
            return
        if not len(strip.elements) or not strip.elements[0].orig_width:
            self._warn(strip.name, f"{path} cannot be opened; relink its strip")
            return
        start, end = api.content_bounds(strip)
        needed = shot.cut_range.last - shot.plate.range.first + 1
        # The length is in frames of the scene, or of the movie if its rate was not adjusted.
        fitted = int(needed * min(Fraction(1), self.cut.rate / shot.plate.range.rate))
        if end - start < fitted:
            message = f"{path} has only {end - start:.0f} of {needed} frames; the last one is held"
            self._warn(strip.name, message)

    def _add_image_strip(self, shot: Shot, name: str, still: bool) -> Any:
        plate = shot.plate
        numbers = [shot.cut_range.first] if still else list(plate.range.frames())
        first = Path(plate.path_at(numbers[0]))
        if not first.is_file():
            self._warn(name, f"{first} does not exist; relink its strip")
        strip = self.strips.new_image(name, str(first), api.MAX_CHANNELS, 1)
        for file in frame_paths(Path(plate.path).name, numbers[1:]):
            strip.elements.append(file)
        strip.directory = blend_relative_path(first.parent) + "/"
        return strip

    def _import_sound_track(self, track: Any, channel: int) -> None:
        at = Fraction(0)
        for child in get_list(track, "children"):
            if schema_name(child) == "Transition":
                self._warn(str(track.get("name")), "a cross fade of sounds")
                continue
            source_range = read_time_range(child.get("source_range"))
            if source_range is None:
                self._warn(str(child.get("name")), "a sound without a length")
                continue
            end = at + source_range.duration
            if schema_name(child) == "Clip":
                self._add_sound_strip(child, channel, at, end, source_range.start)
            at = end

    def _add_sound_strip(
        self, clip: JsonObject, channel: int, start: Fraction, end: Fraction, source: Fraction
    ) -> None:
        name = str(clip.get("name") or "sound")
        references_by_key, active = media_references(clip)
        reference = references_by_key.get(active) or {}
        media = read_time_range(reference.get("available_range"))
        try:
            path = url_to_path(str(reference.get("target_url") or ""), self.folder)
        except UnusableClipError as error:
            self._warn(name, error.message)
            return
        for effect in get_list(clip, "effects"):
            title = effect.get("effect_name") or schema_name(effect)
            self._warn(name, f"its {title}: sound plays at normal speed")
        rate, shift = self.cut.rate, self.cut.global_start + self.frame_shift
        left, right = nearest_frame(start, rate) + shift, nearest_frame(end, rate) + shift
        if not Path(path).is_file():
            self._warn(name, f"{path} does not exist; relink its strip")
        try:
            strip = self.strips.new_sound(name, path, api.MAX_CHANNELS, left)
        except RuntimeError:
            self._warn(name, f"{path} cannot be opened")
            return
        self.undo.callback(self.strips.remove, strip)
        strip.sound.filepath = blend_relative_path(Path(path))
        api.move_content(strip, left - nearest_frame(source - (media.start if media else 0), rate))
        api.trim(strip, left, right)
        strip.channel, strip.mute = channel, id(clip) in self.disabled_ids

    def _import_markers(self) -> None:
        """Import markers; Blender's only have a frame and a name."""
        for marker in get_list(self.timeline.get("tracks"), "markers"):
            name = str(marker.get("name") or "marker")
            marked = read_time_range(marker.get("marked_range"))
            if marked is None:
                self._warn(name, "a marker without a frame")
                continue
            at = nearest_frame(marked.start, self.cut.rate) + self.cut.global_start
            self.scene.timeline_markers.new(name, frame=at + self.frame_shift)
            if marker.get("comment"):
                self._warn(name, f"the marker's comment: {marker['comment']}")
            if (count := nearest_frame(marked.duration, self.cut.rate)) > 1:
                self._warn(name, f"the marker's length of {count} frames")

    def _warn(self, source_name: str, message: str) -> None:
        self.warnings.append(ConversionWarning(source_name, message))
