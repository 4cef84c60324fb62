"""A cut out of an OTIO file as strips, and what could not be carried in words.

Each track gets a channel above what is there already, sound below pictures. Strips that fade into
one another overlap, and Blender keeps them on two channels with the fade above; a changed speed is
an effect on a channel of its own. So a track may take up to five. A sequencer without strips takes
over the cut's rate and its first frame; otherwise the cut starts at the scene's first frame.
What is switched off in the cut comes in muted; media that is not there has its strip all the same,
so that it can be relinked.
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
from bridge_core.models.media import PlateKind, frame_paths
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
    muted = _switched_on(document.timeline)
    found = survey(document, handles=0)
    reader = _Reader(scene, found, document.timeline, path, muted)
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


def _switched_on(timeline: Json) -> set[int]:
    """Have the tracks and their clips that are switched off be read like all others; the
    identities of those."""
    tracks = listed(timeline.get("tracks"), "children")
    clips = [child for track in tracks for child in listed(track, "children")]
    found = [
        node
        for node in [*tracks, *clips]
        if schema(node) in ("Track", "Clip") and node.get("enabled") is False
    ]
    for node in found:
        node["enabled"] = True
    return {id(node) for node in found}


class _Reader:
    def __init__(
        self, scene: Any, found: Survey, timeline: Json, path: Path, muted: set[int]
    ) -> None:
        self.scene, self.cut, self.timeline = scene, found.cut, timeline
        self.folder = path.absolute().parent
        self.muted = muted
        self.names = {id(node): clip for clip, node in found.clips.items()}
        self.nodes = found.clips
        self.losses = [Loss(str(one.clip or one.track), one.what) for one in found.cut.problems]
        scene.sequence_editor_create()
        self.strips = api.strips_of(scene.sequence_editor)
        self.shift = 0
        self.undo = contextlib.ExitStack()

    def read(self) -> None:
        tracks = listed(self.timeline.get("tracks"), "children")
        sounds = [track for track in tracks if track.get("kind") == "Audio"]
        pictures = dict(self._named(tracks))
        channel = max((strip.channel for strip in self.strips), default=0) + 1
        planned: list[tuple[str, list[_Fade], _Channels]] = []
        for name in dict.fromkeys(item.track for item in self.cut):
            fades = list(self._fades(pictures.get(name, {}), name))
            speeds = any(item.track == name and self._has_speed(item.shot) for item in self.cut)
            lowest = planned[-1][2].next if planned else channel + len(sounds)
            planned.append((name, fades, _Channels.of(lowest, fades=bool(fades), speeds=speeds)))
            if planned[-1][2].next >= _CHANNELS:
                raise HostError(
                    f"the track {name} finds no free channel",
                    where=str(self.cut.path),
                    next_step="import the cut into an empty sequencer, or with fewer tracks",
                )
        with contextlib.ExitStack() as self.undo:
            self._fit()
            for number, track in enumerate(sounds, channel):
                self._name(range(number, number + 1), str(track.get("name") or ""), track)
                self._sound(track, number)
            for name, fades, channels in planned:
                taken = range(channels.pictures[0], channels.next)
                self._name(taken, name, pictures.get(name, {}))
                self._pictures(name, channels, fades)
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
            render = self.scene.render
            self._set(render, "fps", whole)
            self._set(render, "fps_base", float(whole / self.cut.rate))
            self._set(self.scene, "frame_start", first)
        self.shift = first - start

    def _name(self, taken: range, name: str, track: Json) -> None:
        """The lowest of a track's channels has its name; all of them are muted with it."""
        channels = self.scene.sequence_editor.channels
        if name:
            self._set(channels[taken[0]], "name", name)
        for channel in taken if id(track) in self.muted else ():
            self._set(channels[channel], "mute", True)

    def _set(self, thing: Any, name: str, value: Any) -> None:
        self.undo.callback(setattr, thing, name, getattr(thing, name))
        setattr(thing, name, value)

    @staticmethod
    def _named(tracks: list[Any]) -> Iterator[tuple[str, Json]]:
        """Tracks of pictures by the names that the cut gives them."""
        for number, track in enumerate(tracks, 1):
            if track.get("kind") != "Audio":
                yield track.get("name") or f"V{number}", track

    def _fades(self, track: Json, name: str) -> Iterator[_Fade]:
        children = listed(track, "children")
        for index, child in enumerate(children):
            if schema(child) != "Transition":
                continue
            sides = [children[i] for i in (index - 1, index + 1) if 0 <= i < len(children)]
            clips = [self.names.get(id(side)) for side in sides]
            if len(clips) < 2 or None in clips:
                self._lose(name, "a fade from or to black; animate the strip's opacity")
                continue
            if any(id(side) in self.muted for side in sides):
                self._lose(name, "a fade from or to a clip that is switched off")
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
            shown = self._at_speed(strip, item.shot, channels.speeds[above])
            if id(self.nodes[item.clip]) in self.muted:
                strip.mute = shown.mute = True
            made[item.clip] = shown
        for fade in fades:
            one, two = made[fade.first], made[fade.second]
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
        """A strip for a shot, ``more`` frames of the cut longer before and after."""
        record, plate = shot.record_range, shot.plate
        assert record is not None  # every shot of a cut stands somewhere in it
        left = record.first + self.shift - more[0]
        right = record.last + self.shift + 1 + more[1]
        still = plate.kind is PlateKind.STILL
        step = self._step(shot)
        strip = self._media(shot, name, still)
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
            strip = self.strips.new_movie(name, str(path), _CHANNELS, 1)
            strip.filepath = for_blend(path)
            self._look_at_movie(shot, path, strip)
        else:
            strip = self._images(shot, name, still)
        self.undo.callback(self.strips.remove, strip)
        return strip

    def _look_at_movie(self, shot: Shot, path: Path, strip: Any) -> None:
        """Blender makes a strip of any file. Of one that is none it has no size and one frame."""
        if not path.is_file():
            self._lose(strip.name, f"{path} is not there; relink its strip")
            return
        element = strip.elements[0] if len(strip.elements) else None
        if element is None or not element.orig_width:
            self._lose(strip.name, f"{path} cannot be opened; relink its strip")
            return
        start, end = api.content_bounds(strip)
        wanted = shot.cut_range.last - shot.plate.range.first + 1
        # Blender counts in frames of the scene, or of the movie where it has not fitted it.
        fitted = int(wanted * min(Fraction(1), self.cut.rate / shot.plate.range.rate))
        if end - start < fitted:
            told = f"{path} has only {end - start:.0f} of {wanted} frames; the last one is held"
            self._lose(strip.name, told)

    def _images(self, shot: Shot, name: str, still: bool) -> Any:
        plate = shot.plate
        numbers = [shot.cut_range.first] if still else list(plate.range.frames())
        first = Path(plate.file(numbers[0]))
        if not first.is_file():
            self._lose(name, f"{first} is not there; relink its strip")
        strip = self.strips.new_image(name, str(first), _CHANNELS, 1)
        for file in frame_paths(Path(plate.path).name, numbers[1:]):
            strip.elements.append(file)
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
        for effect in listed(clip, "effects"):
            told = effect.get("effect_name") or schema(effect)
            self._lose(name, f"its {told}: a sound comes in at its own speed")
        rate, shift = self.cut.rate, self.cut.global_start + self.shift
        left, right = frames(start, rate) + shift, frames(end, rate) + shift
        if not Path(path).is_file():
            self._lose(name, f"{path} is not there; relink its strip")
        try:
            strip = self.strips.new_sound(name, path, _CHANNELS, left)
        except RuntimeError:
            self._lose(name, f"{path} cannot be opened")
            return
        self.undo.callback(self.strips.remove, strip)
        strip.sound.filepath = for_blend(Path(path))
        api.move_content(strip, left - frames(source - (media.start if media else 0), rate))
        api.trim(strip, left, right)
        strip.channel, strip.mute = channel, id(clip) in self.muted

    def _markers(self) -> None:
        """Blender's have a frame and a name."""
        for marker in listed(self.timeline.get("tracks"), "markers"):
            name, marked = str(marker.get("name") or "marker"), span(marker.get("marked_range"))
            if marked is None:
                self._lose(name, "a marker whose frame the file does not say")
                continue
            at = frames(marked.start, self.cut.rate) + self.cut.global_start + self.shift
            self.scene.timeline_markers.new(name, frame=at)
            if marker.get("comment"):
                self._lose(name, f"the marker's comment: {marker['comment']}")
            if (count := frames(marked.duration, self.cut.rate)) > 1:
                self._lose(name, f"the marker's length of {count} frames")

    def _lose(self, what: str, told: str) -> None:
        self.losses.append(Loss(what, told))


def _last(shot: Shot) -> int:
    return shot.record_range.last if shot.record_range else 0
