"""Versions as strips of the sequencer, and which of them is seen.

A version's strip names one file for each frame of the scene: the file of the plate's frame that
shows there. So it keeps the plate's speed exactly, whatever way Blender had of changing it, and
what the version holds beyond the cut stands in the strip's handles.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bridge_core.errors import HostError
from bridge_core.models.media import frame_paths

from . import colours
from . import sequencer_api as api
from .media import for_blend, movie_facts, render_size
from .plans import Plan
from .remembered import (
    ABOVE,
    SWAP,
    as_json,
    give_to,
    mark_plate,
    mark_version,
    plate_mark,
    restore,
    version_mark,
)
from .shots import meet, speed_effects

#: Blender's sequencer has channels 1 to 128.
_CHANNELS = 128
#: Handles longer than this are a mistake.
_HANDLES = 10_000
_LOOKS = ("blend_type", "blend_alpha", "use_flip_x", "use_flip_y", "color_saturation")
_MOVES = ("offset_x", "offset_y", "rotation", "origin")


@dataclass(frozen=True, slots=True)
class Stack:
    """The strips of one plate. ``front`` is what shows the plate: itself, or its speed effect."""

    plate: Any
    front: Any
    versions: tuple[Any, ...]

    @property
    def all(self) -> tuple[Any, ...]:
        return (self.plate, self.front, *self.versions)

    @property
    def in_place(self) -> tuple[Any, ...]:
        """Those versions that take the plate's place when they are seen."""
        return tuple(one for one in self.versions if _way(one) == SWAP)


def put(plan: Plan, undo: contextlib.ExitStack) -> Any:
    """Make the strip and have it seen. ``undo`` learns how to take all of it back.

    :raises HostError: there is no room.
    """
    clip = identity(plan, undo)
    plate = plan.found.thing
    strip = _movie(plan, undo) if plan.is_movie else _sequence(plan, undo)
    order = max((one.mark.order for one in plan.found.placed), default=0) + 1
    mark_version(strip, clip, plan.placement.version, plan.output.name, plan.way, order)
    strip.colorspace_settings.name = colours.blender_name(plan.output.colour_space)
    strip.select = False
    _look_alike(strip, plan)
    versions = tuple(one.thing for one in plan.found.placed if hasattr(one.thing, "channel"))
    stack = _stack(plate, (*versions, strip))
    if plan.way == ABOVE:
        above = max(one.channel for one in stack.all if one != strip)
        _move(strip, _free_channel(plate, above + 1, [api.bounds(plate)], strip), undo)
    else:
        _set(undo, strip, "mute", True)
    _show(stack, strip, undo)
    return strip


def identity(plan: Plan, undo: contextlib.ExitStack) -> str:
    """The plate's identity; a copy of another plate's strip gets its own, with its versions."""
    plate = plan.found.thing
    mine = plate_mark(plate)
    others = api.strips_of(plate.id_data.sequence_editor)
    copied = mine is not None and any(
        one != plate and (mark := plate_mark(one)) and mark.clip == mine.clip for one in others
    )
    undo.callback(restore, plate, as_json(plate))
    clip = mark_plate(plate, plan.found.item.shot.id, anew=copied)
    if copied:
        for one in plan.found.placed:
            if hasattr(one.thing, "channel"):
                undo.callback(restore, one.thing, as_json(one.thing))
                give_to(one.thing, clip)
    return clip


def stack_of(strip: Any) -> Stack | None:
    """The stack that a plate's or a version's strip belongs to; None for any other strip."""
    strips = list(api.strips_of(strip.id_data.sequence_editor))
    placed, own_mark = version_mark(strip), plate_mark(strip)
    clip = placed.clip if placed else own_mark.clip if own_mark else ""
    plates = [one for one in strips if clip and (m := plate_mark(one)) and m.clip == clip]
    plate = strip if strip in plates else next((p for p in plates if meet(p, strip)), None)
    if plate is None:
        return None
    versions = [one for one in strips if (v := version_mark(one)) and v.clip == clip]
    if len(plates) > 1:
        versions = [one for one in versions if meet(plate, one)]
    return _stack(plate, tuple(versions))


def show(stack: Stack, name: str) -> None:
    """Have the version's strip of this name be seen, and no other; empty: the plate.

    :raises HostError: there is no such strip.
    """
    found = next((one for one in stack.versions if one.name == name), None)
    if name and found is None:
        raise HostError(
            "that version stands here no longer",
            where=stack.plate.name,
            next_step="place it from the panel",
        )
    with contextlib.ExitStack() as undo:
        _show(stack, found or stack.front, undo)
        undo.pop_all()


def _show(stack: Stack, wanted: Any, undo: contextlib.ExitStack) -> None:
    above = [one for one in stack.versions if _way(one) != SWAP]
    for one in above:
        _set(undo, one, "mute", one != wanted)
    if wanted in above:
        return
    swapped = stack.in_place
    now = next((one for one in (*swapped, stack.front) if not one.mute), stack.front)
    if now != wanted:
        _exchange(now, wanted, undo)
    for one in (*swapped, stack.front):
        _set(undo, one, "mute", one != wanted)
    if stack.plate != stack.front:
        # Under a muted effect its input would be seen by itself.
        _set(undo, stack.plate, "mute", wanted != stack.front)


def _exchange(now: Any, wanted: Any, undo: contextlib.ExitStack) -> None:
    """Have ``wanted`` stand where ``now`` stands, for the effects on it too."""
    place, other = now.channel, wanted.channel
    both = [api.bounds(now), api.bounds(wanted)]
    # Over a channel of its own: Blender pushes strips aside that would stand on one another.
    _move(now, _free_channel(now, other, both), undo)
    _move(wanted, place, undo)
    _move(now, _free_channel(now, other, both, now), undo)
    for effect in api.strips_of(now.id_data.sequence_editor):
        inputs = api.inputs_of(effect)
        for number, one in enumerate(inputs, 1):
            if one == now and effect not in (now, wanted):
                _set(undo, effect, f"input_{number}", wanted)


def _sequence(plan: Plan, undo: contextlib.ExitStack) -> Any:
    frames, head = _frames(plan)
    folder, names = _files(plan, frames)
    plate = plan.found.thing
    left, right = api.bounds(plate)
    held = len(set(names)) == 1
    if held:
        names, head = names[:1], 0
    start = left - head
    channel = _free_channel(plate, plate.channel + 1, [(start, start + len(frames))])
    strips = api.strips_of(plate.id_data.sequence_editor)
    strip = strips.new_image(plan.title, str(Path(folder, names[0])), channel, start)
    undo.callback(strips.remove, strip)
    for name in names[1:]:
        strip.elements.append(name)
    strip.directory = for_blend(folder) + "/"
    api.trim(strip, left, right)
    return strip


def _movie(plan: Plan, undo: contextlib.ExitStack) -> Any:
    plate = plan.found.thing
    left, right = api.bounds(plate)
    start = left - (plan.found.source.cut_range.first - plan.output.range.first)
    channel = _free_channel(plate, plate.channel + 1, [(start, start + plan.output.range.count)])
    strips = api.strips_of(plate.id_data.sequence_editor)
    path = plan.folder / plan.output.pattern
    strip = strips.new_movie(plan.title, str(path), channel, start)
    undo.callback(strips.remove, strip)
    strip.filepath = for_blend(path)
    api.trim(strip, left, right)
    return strip


def _frames(plan: Plan) -> tuple[list[int], int]:
    """The version's frame under each of the scene's, handles included; how many come before the
    strip's first."""
    source, held = plan.found.source, plan.output.range
    run = source.run
    cut = [source.first + index for index in run.frames()]
    if run.speed == 0:
        return cut, 0

    def handle(ks: Iterable[int]) -> list[int]:
        frames = []
        for k in ks:
            reached = run.reach(k)
            if not 0 <= reached < run.length or source.first + reached not in held:
                break
            frames.append(source.first + reached)
        return frames

    head = handle(range(-1, -_HANDLES, -1))[::-1]
    tail = handle(range(run.count, run.count + _HANDLES))
    return head + cut + tail, len(head)


def _files(plan: Plan, frames: list[int]) -> tuple[Path, list[str]]:
    inner = PurePosixPath(plan.output.pattern.replace("\\", "/"))
    return plan.folder / inner.parent, frame_paths(inner.name, frames)


def _look_alike(strip: Any, plan: Plan) -> None:
    """Framed and blended as the plate is, at whatever size the version came back."""
    plate, output = plan.found.thing, plan.output
    for name in _LOOKS:
        setattr(strip, name, getattr(plate, name))
    width, height = _shown_size(plan)
    across = width / output.width if width else 1.0
    down = height / output.height if height else 1.0
    for name in _MOVES:
        setattr(strip.transform, name, getattr(plate.transform, name))
    strip.transform.scale_x = plate.transform.scale_x * across
    strip.transform.scale_y = plate.transform.scale_y * down
    for name, part in (("min_x", across), ("max_x", across), ("min_y", down), ("max_y", down)):
        setattr(strip.crop, name, round(getattr(plate.crop, name) / part))


def _shown_size(plan: Plan) -> tuple[int, int]:
    """The pixels that the plate's strip has in the sequencer; zeros where they are not known."""
    plate = plan.found.source.plate
    if plan.found.item.to_render:
        return render_size(plan.found.thing.id_data)  # scenes are rendered at the edit's size
    if plate.width and plate.height:
        return plate.width, plate.height
    return movie_facts(plate.file(plan.found.source.cut_range.first))[1:]


def _stack(plate: Any, versions: tuple[Any, ...]) -> Stack:
    effects = speed_effects(api.strips_of(plate.id_data.sequence_editor))
    return Stack(plate, effects.get(plate.name, plate), versions)


def _free_channel(near: Any, lowest: int, spans: list[tuple[int, int]], *without: Any) -> int:
    """The lowest channel from ``lowest`` on that is free in all of these stretches of frames."""
    editor = near.id_data.sequence_editor
    taken = {
        strip.channel
        for strip in api.strips_of(editor)
        if strip not in without
        for first, end in [api.bounds(strip)]
        if any(first < right and left < end for left, right in spans)
    }
    for channel in range(lowest, _CHANNELS + 1):
        locked = channel < len(editor.channels) and editor.channels[channel].lock
        if channel not in taken and not locked:
            return channel
    raise HostError(
        f"no channel above {near.name} is free",
        where="the sequencer",
        next_step="clear a channel there, and place the version again",
    )


def _move(strip: Any, channel: int, undo: contextlib.ExitStack) -> None:
    if strip.channel != channel:
        _set(undo, strip, "channel", channel)


def _set(undo: contextlib.ExitStack, thing: Any, name: str, value: Any) -> None:
    before = getattr(thing, name)
    if before != value:
        undo.callback(setattr, thing, name, before)
        setattr(thing, name, value)


def _way(strip: Any) -> str:
    mark = version_mark(strip)
    return mark.way if mark else ""
