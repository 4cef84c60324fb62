"""A cut out of an OTIO file as strips, and what could not be carried in words.

Each track gets a channel above what is there already, sound below pictures. Strips that fade into
one another overlap, and Blender keeps them on two channels with the fade above; a changed speed is
an effect on a channel of its own. So a track may take up to five. A sequencer without strips takes
over the cut's rate and its first frame; otherwise the cut starts at the scene's first frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.errors import HostError, ShotbridgeError
from bridge_core.models.frames import nominal
from bridge_core.models.media import PlateKind, frame_path
from bridge_core.models.shots import Shot
from bridge_core.timeline.clock import frames, seconds, span
from bridge_core.timeline.document import Json, listed, load, references, schema
from bridge_core.timeline.reading import Survey, survey
from bridge_core.timeline.references import Unfit, file_path

from . import colours
from . import sequencer_api as api
from .media import for_blend, rate_of
from .otio_out import Loss
from .remembered import mark_fade

_LAST_FRAME = 1_048_574  # Blender counts no further
_CHANNELS = 128


def read_into(scene: Any, path: Path) -> list[Loss]:
    """Add the cut's strips to the scene's sequencer; nothing that is there moves.

    :raises TimelineError: the cut cannot be read.
    :raises HostError: it counts at another rate than the strips that are there, or lies too far
        out; nothing was added.
    """
    document = load(path)
    found = survey(document, handles=0)
    reader = _Reader(scene, found, document.timeline, path)
    reader.read()
    return reader.losses


@dataclass(frozen=True, slots=True)
class _Fade:
    """``first`` and ``second`` are identities of clips; the frames count from the cut of them."""

    first: str
    second: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class _Channels:
    """Of a track: two to take turns where strips fade, effects on each of them, and the fades."""

    pictures: tuple[int, int]
    speeds: tuple[int, int]
    fades: int
    next: int

    @classmethod
    def of(cls, lowest: int, *, fades: bool, speeds: bool) -> _Channels:
        second = lowest + fades
        speed = second + speeds
        other = speed + (fades and speeds)
        top = other + fades
        return cls((lowest, second), (speed, other), top, top + 1)


class _Reader:
    def __init__(self, scene: Any, found: Survey, timeline: Json, path: Path) -> None:
        self.scene, self.cut, self.timeline = scene, found.cut, timeline
        self.folder = path.absolute().parent
        self.names = {id(node): clip for clip, node in found.clips.items()}
        self.nodes = found.clips
        self.losses = [Loss(str(one.clip or one.track), one.what) for one in found.cut.problems]
        scene.sequence_editor_create()
        self.strips = api.strips_of(scene.sequence_editor)
        self.shift = 0
        self.undo = contextlib.ExitStack()

    def read(self) -> None:
        self._fit()
        channel = max((strip.channel for strip in self.strips), default=0) + 1
        tracks = listed(self.timeline.get("tracks"), "children")
        sounds = [track for track in tracks if track.get("kind") == "Audio"]
        with contextlib.ExitStack() as self.undo:
            for track in sounds:
                self._name(channel, track)
                self._sound(track, channel)
                channel += 1
            for name in dict.fromkeys(item.track for item in self.cut):
                fades = list(self._fades(tracks, name))
                speeds = any(item.track == name and self._has_speed(item.shot) for item in self.cut)
                channels = _Channels.of(channel, fades=bool(fades), speeds=speeds)
                if channels.next >= _CHANNELS:
                    raise HostError(
                        f"the track {name} finds no free channel",
                        where=str(self.cut.path),
                        next_step="import the cut into an empty sequencer, or with fewer tracks",
                    )
                self._name(channel, {"name": name})
                self._pictures(name, channels, fades)
                channel = channels.next
            self.undo.pop_all()
        self._markers()
        ends = [api.bounds(strip)[1] for strip in self.strips]
        self.scene.frame_end = max(self.scene.frame_start, *(end - 1 for end in ends), 1)

    def _fit(self) -> None:
        if len(self.strips) and rate_of(self.scene) != self.cut.rate:
            raise HostError(
                f"the cut counts at {self.cut.rate} frames per second, the scene at "
                f"{rate_of(self.scene)}",
                where=str(self.cut.path),
                next_step="import it into an empty sequencer, or set the scene's frame rate to it",
            )
        start = self.cut.global_start
        last = max((_last(item.shot) for item in self.cut), default=start)
        empty = not len(self.strips)
        first = start if empty and start >= 0 and last <= _LAST_FRAME else self.scene.frame_start
        if last - start + first > _LAST_FRAME:
            raise HostError(
                "the cut is longer than Blender can count",
                where=str(self.cut.path),
                next_step="cut it into reels, and import one of them",
            )
        if empty:
            whole = nominal(self.cut.rate)
            self.scene.render.fps = whole
            self.scene.render.fps_base = float(whole / self.cut.rate)
            self.scene.frame_start = first
        self.shift = first - start

    def _name(self, channel: int, track: Any) -> None:
        channels = self.scene.sequence_editor.channels
        if channel < len(channels) and track.get("name"):
            channels[channel].name = str(track["name"])

    def _fades(self, tracks: list[Any], name: str) -> Iterator[_Fade]:
        for number, track in enumerate(tracks, 1):
            if (track.get("name") or f"V{number}") != name or track.get("kind") == "Audio":
                continue
            children = listed(track, "children")
            for index, child in enumerate(children):
                if schema(child) != "Transition":
                    continue
                sides = [children[i] for i in (index - 1, index + 1) if 0 <= i < len(children)]
                clips = [self.names.get(id(side)) for side in sides]
                if len(clips) < 2 or None in clips:
                    self._lose(name, "a fade from or to black; animate the strip's opacity")
                    continue
                yield _Fade(
                    str(clips[0]),
                    str(clips[1]),
                    frames(seconds(child["in_offset"]), self.cut.rate),
                    frames(seconds(child["out_offset"]), self.cut.rate),
                )

    def _pictures(self, name: str, channels: _Channels, fades: list[_Fade]) -> None:
        into = {fade.second: fade for fade in fades}
        out_of = {fade.first: fade for fade in fades}
        made: dict[str, Any] = {}
        above = False
        for item in self.cut:
            if item.track != name:
                continue
            before = into[item.clip].before if item.clip in into else 0
            after = out_of[item.clip].after if item.clip in out_of else 0
            # Whoever fades in stands on the other of two channels.
            above = not above if item.clip in into else False
            self._told(item.clip)
            strip = self._strip(item.shot, item.name, channels.pictures[above], (before, after))
            if strip is not None:
                made[item.clip] = self._at_speed(strip, item.shot, channels.speeds[above])
        for fade in fades:
            one, two = made.get(fade.first), made.get(fade.second)
            if one is None or two is None:
                continue
            bounds = api.bounds(two)[0], api.bounds(one)[1]
            made_fade = api.new_effect(
                self.strips, "Fade", "CROSS", channels.fades, bounds, one, two
            )
            self.undo.callback(self.strips.remove, made_fade)
            mark_fade(made_fade, fade.before)

    def _told(self, clip: str) -> None:
        """What a clip brings that its strip cannot have."""
        node = self.nodes[clip]
        _, active = references(node)
        if active.startswith("shotbridge:"):
            told = f"it shows the version {active.partition(':')[2]}; place that from the panel"
            self._lose(str(node.get("name")), told)
        for effect in listed(node, "effects"):
            if schema(effect) not in ("LinearTimeWarp", "FreezeFrame", "TimeEffect"):
                self._lose(str(node.get("name")), f"its effect {effect.get('effect_name') or ''}")
        if listed(node, "markers"):
            self._lose(str(node.get("name")), "its markers: Blender's stand on the scene")

    def _strip(self, shot: Shot, name: str, channel: int, more: tuple[int, int]) -> Any:
        """A strip for a shot, ``more`` frames of the cut longer before and after; None where its
        media cannot be opened."""
        record, plate = shot.record_range, shot.plate
        assert record is not None  # every shot of a cut stands somewhere in it
        left = record.first + self.shift - more[0]
        right = record.last + self.shift + 1 + more[1]
        still = plate.kind is PlateKind.STILL
        step = self._step(shot)
        strip = self._media(shot, name, still)
        if strip is None:
            return None
        with contextlib.suppress(ShotbridgeError):
            if plate.colour_space:
                strip.colorspace_settings.name = colours.blender_name(plate.colour_space)
        head = shot.cut_range.first - plate.range.first
        if step == -1:
            strip.use_reverse_frames = True
            head = plate.range.last - shot.cut_range.last
        shown = 0 if still else head - round(more[0] * abs(step))
        api.move_content(strip, left - shown)
        api.trim(strip, left, right)
        strip.channel = channel
        return strip

    def _step(self, shot: Shot) -> Fraction:
        """Media frames in a frame of the scene."""
        speed = Fraction(1) if shot.retime.keys else shot.retime.speed
        step = speed * shot.plate.range.rate / self.cut.rate
        return step if step >= 0 or step == -1 else -step

    def _has_speed(self, shot: Shot) -> bool:
        return shot.plate.kind is not PlateKind.STILL and self._step(shot) not in (1, -1)

    def _at_speed(self, strip: Any, shot: Shot, channel: int) -> Any:
        """The strip's speed effect, or the strip itself where it needs none."""
        if shot.retime.keys:
            self._lose(strip.name, "its speed ramp; it runs at its own speed")
        if shot.retime.speed < 0 and self._step(shot) > 0:
            told = f"it runs backwards at {float(shot.retime.speed):g}; here it runs forwards"
            self._lose(strip.name, told)
        if not self._has_speed(shot):
            return strip
        effect = api.new_effect(
            self.strips, f"{strip.name} speed", "SPEED", channel, api.bounds(strip), strip
        )
        self.undo.callback(self.strips.remove, effect)
        effect.speed_control, effect.speed_factor = "MULTIPLY", float(self._step(shot))
        effect.use_frame_interpolate = False
        return effect

    def _media(self, shot: Shot, name: str, still: bool) -> Any:
        """Made on the uppermost channel: Blender pushes aside what would stand on a strip while it
        still has its whole length."""
        if shot.plate.kind is PlateKind.MOVIE:
            path = Path(shot.plate.path)
            try:
                strip = self.strips.new_movie(name, str(path), _CHANNELS, 1)
            except RuntimeError:
                self._lose(name, f"{path} cannot be opened")
                return None
            strip.filepath = for_blend(path)
        else:
            strip = self._images(shot, name, still)
        self.undo.callback(self.strips.remove, strip)
        return strip

    def _images(self, shot: Shot, name: str, still: bool) -> Any:
        plate = shot.plate
        numbers = [shot.cut_range.first] if still else list(plate.range.frames())
        first = Path(plate.file(numbers[0]))
        strip = self.strips.new_image(name, str(first), _CHANNELS, 1)
        for number in numbers[1:]:
            strip.elements.append(frame_path(Path(plate.path).name, number))
        strip.directory = for_blend(first.parent) + "/"
        return strip

    def _sound(self, track: Any, channel: int) -> None:
        at = Fraction(0)
        for child in listed(track, "children"):
            if schema(child) == "Transition":
                self._lose(str(track.get("name")), "a cross fade of sounds")
                continue
            shown = span(child.get("source_range"))
            if shown is None:
                self._lose(str(child.get("name")), "a sound whose length the file does not say")
                continue
            if schema(child) == "Clip":
                self._sound_strip(child, channel, at, at + shown.duration, shown.start)
            at += shown.duration

    def _sound_strip(
        self, clip: Json, channel: int, start: Fraction, end: Fraction, source: Fraction
    ) -> None:
        name = str(clip.get("name") or "sound")
        several, active = references(clip)
        reference = several.get(active)
        media = span(reference.get("available_range")) if isinstance(reference, dict) else None
        try:
            path = file_path(str((reference or {}).get("target_url") or ""), self.folder)
        except Unfit as unfit:
            self._lose(name, unfit.what)
            return
        rate, shift = self.cut.rate, self.cut.global_start + self.shift
        left, right = frames(start, rate) + shift, frames(end, rate) + shift
        try:
            strip = self.strips.new_sound(name, path, _CHANNELS, left)
        except RuntimeError:
            self._lose(name, f"{path} cannot be opened")
            return
        self.undo.callback(self.strips.remove, strip)
        strip.sound.filepath = for_blend(Path(path))
        api.move_content(strip, left - frames(source - (media.start if media else 0), rate))
        api.trim(strip, left, right)
        strip.channel = channel

    def _markers(self) -> None:
        for marker in listed(self.timeline.get("tracks"), "markers"):
            marked = span(marker.get("marked_range"))
            if marked is not None:
                at = frames(marked.start, self.cut.rate) + self.cut.global_start + self.shift
                self.scene.timeline_markers.new(str(marker.get("name") or "marker"), frame=at)

    def _lose(self, what: str, told: str) -> None:
        self.losses.append(Loss(what, told))


def _last(shot: Shot) -> int:
    return shot.record_range.last if shot.record_range else 0
