"""Places versions as strips of the sequencer, and shows one of them.

A version's strip has one file for each frame of the scene: that of the plate frame that is shown
there. So it keeps the plate's speed exactly, however Blender changed it, and frames beyond the cut
are in the strip's handles.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bridge_core.errors import HostError
from bridge_core.models.media import frame_paths

from . import colour_spaces
from . import sequencer_api as api
from .custom_properties import (
    ABOVE,
    SWAP,
    dump_properties,
    plate_properties,
    reassign_version,
    restore_properties,
    store_plate,
    store_version,
    version_properties,
)
from .media import blend_relative_path, movie_info, render_size
from .placement_checks import CheckedPlacement
from .shots import overlaps, plates_with_id, speed_effects

#: Maximum length of handles, in frames.
_MAX_HANDLE = 10_000
_BLEND_ATTRIBUTES = ("blend_type", "blend_alpha", "use_flip_x", "use_flip_y", "color_saturation")
_TRANSFORM_ATTRIBUTES = ("offset_x", "offset_y", "rotation", "origin")


@dataclass(frozen=True, slots=True)
class VersionStack:
    """The strips of one plate."""

    plate: Any
    front: Any
    """The strip that shows the plate: itself or its speed effect."""
    versions: tuple[Any, ...]

    @property
    def all(self) -> tuple[Any, ...]:
        return (self.plate, self.front, *self.versions)

    @property
    def swapped(self) -> tuple[Any, ...]:
        """The versions that replace the plate in its channel when they are shown."""
        return tuple(version for version in self.versions if _placement_mode(version) == SWAP)


def place_strip(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> Any:
    """Create the version's strip and show it. ``rollback`` gets callbacks that revert it.

    :raises HostError: no channel is free.
    """
    clip_id = ensure_identity(placement, rollback)
    blender_shot, plan = placement.blender_shot, placement.plan
    plate = blender_shot.target
    new_strip = _new_movie_strip if plan.is_movie else _new_image_strip
    strip = new_strip(placement, rollback)
    store_version(strip, clip_id, plan, blender_shot.next_placement_index)
    strip.colorspace_settings.name = colour_spaces.blender_name(plan.output.colour_space)
    strip.select = False
    _match_plate_look(strip, placement)
    versions = (item.target for item in blender_shot.placed_items if api.is_strip(item.target))
    stack = _build_stack(plate, (*versions, strip))
    if plan.mode_id == ABOVE:
        top = max(other.channel for other in stack.all if other != strip)
        channel = _free_channel(plate, top + 1, [api.bounds(plate)], strip)
        set_undoable(rollback, strip, "channel", channel)
    else:
        set_undoable(rollback, strip, "mute", True)
    _set_visible(stack, strip, rollback)
    return strip


def ensure_identity(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> str:
    """The plate's identity. A copy of another plate's strip gets a new one, and so do its
    versions."""
    plate = placement.blender_shot.target
    own, strips = plate_properties(plate), api.strips_of(plate.id_data.sequence_editor)
    is_copied = own is not None and len(plates_with_id(strips, own.clip_id)) > 1
    rollback.callback(restore_properties, plate, dump_properties(plate))
    clip_id = store_plate(plate, placement.plan.host_shot.shot.id, new_identity=is_copied)
    if is_copied:
        for item in placement.blender_shot.placed_items:
            if api.is_strip(item.target):
                rollback.callback(restore_properties, item.target, dump_properties(item.target))
                reassign_version(item.target, clip_id)
    return clip_id


def version_stack(strip: Any) -> VersionStack | None:
    """The stack of a plate's or a version's strip; None for other strips."""
    strips = list(api.strips_of(strip.id_data.sequence_editor))
    version, plate_identity = version_properties(strip), plate_properties(strip)
    clip = version.clip_id if version else plate_identity.clip_id if plate_identity else ""
    plates = plates_with_id(strips, clip) if clip else []
    plate = strip if strip in plates else next((p for p in plates if overlaps(p, strip)), None)
    if plate is None:
        return None
    versions = [s for s in strips if (v := version_properties(s)) and v.clip_id == clip]
    if len(plates) > 1:
        versions = [s for s in versions if overlaps(plate, s)]
    return _build_stack(plate, tuple(versions))


def show_version(stack: VersionStack, name: str) -> None:
    """Show only the version's strip of this name; if it is empty, the plate.

    :raises HostError: there is no such strip.
    """
    version_strip = next((version for version in stack.versions if version.name == name), None)
    if name and version_strip is None:
        next_step = "place it from the panel"
        raise HostError("this version was removed", where=stack.plate.name, next_step=next_step)
    with contextlib.ExitStack() as rollback:
        _set_visible(stack, version_strip or stack.front, rollback)
        rollback.pop_all()


def _set_visible(stack: VersionStack, visible: Any, rollback: contextlib.ExitStack) -> None:
    above = [version for version in stack.versions if _placement_mode(version) != SWAP]
    for version in above:
        set_undoable(rollback, version, "mute", version != visible)
    if visible in above:
        return
    swapped = stack.swapped
    current = next((strip for strip in (*swapped, stack.front) if not strip.mute), stack.front)
    if current != visible:
        _swap_strips(current, visible, rollback)
    for version in (*swapped, stack.front):
        set_undoable(rollback, version, "mute", version != visible)
    if stack.plate != stack.front:
        # The input of a muted effect would be visible itself.
        set_undoable(rollback, stack.plate, "mute", visible != stack.front)


def _swap_strips(current: Any, replacement: Any, rollback: contextlib.ExitStack) -> None:
    """Put ``replacement`` in place of ``current``, also as the input of effects."""
    channel, other = current.channel, replacement.channel
    both = [api.bounds(current), api.bounds(replacement)]
    # Via a free channel: Blender moves strips that would overlap.
    set_undoable(rollback, current, "channel", _free_channel(current, other, both))
    set_undoable(rollback, replacement, "channel", channel)
    set_undoable(rollback, current, "channel", _free_channel(current, other, both, current))
    for effect in api.strips_of(current.id_data.sequence_editor):
        inputs = api.inputs_of(effect)
        for number, strip in enumerate(inputs, 1):
            if strip == current and effect not in (current, replacement):
                set_undoable(rollback, effect, f"input_{number}", replacement)


def _new_image_strip(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> Any:
    frames, head = _version_frames(placement)
    inner = PurePosixPath(placement.plan.output.pattern.replace("\\", "/"))
    folder, names = placement.plan.folder / inner.parent, frame_paths(inner.name, frames)
    plate = placement.blender_shot.target
    left, right = api.bounds(plate)
    is_freeze = len(set(names)) == 1
    if is_freeze:
        names, head = names[:1], 0
    start = left - head
    channel = _free_channel(plate, plate.channel + 1, [(start, start + len(frames))])
    strips = api.strips_of(plate.id_data.sequence_editor)
    strip = strips.new_image(placement.title, str(Path(folder, names[0])), channel, start)
    rollback.callback(strips.remove, strip)
    for name in names[1:]:
        strip.elements.append(name)
    strip.directory = blend_relative_path(folder) + "/"
    api.trim(strip, left, right)
    return strip


def _new_movie_strip(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> Any:
    plate, plan = placement.blender_shot.target, placement.plan
    left, right = api.bounds(plate)
    start = left - (placement.blender_shot.media.cut_range.first - plan.output.range.first)
    span = (start, start + plan.output.range.count)
    channel = _free_channel(plate, plate.channel + 1, [span])
    strips = api.strips_of(plate.id_data.sequence_editor)
    path = plan.folder / plan.output.pattern
    strip = strips.new_movie(placement.title, str(path), channel, start)
    rollback.callback(strips.remove, strip)
    strip.filepath = blend_relative_path(path)
    api.trim(strip, left, right)
    return strip


def _version_frames(placement: CheckedPlacement) -> tuple[list[int], int]:
    """The version's frame at each frame of the scene including handles, and the number of frames
    before the strip's first."""
    source, available = placement.blender_shot.media, placement.plan.output.range
    mapping = source.frame_mapping
    cut = [source.first_frame + index for index in mapping.content_frames()]
    if mapping.speed == 0:
        return cut, 0

    def handle_frames(indices: Iterable[int]) -> list[int]:
        frames = []
        for index in indices:
            content_frame = mapping.unclamped_frame(index)
            frame = source.first_frame + content_frame
            if not 0 <= content_frame < mapping.content_length or frame not in available:
                break
            frames.append(frame)
        return frames

    head = handle_frames(range(-1, -_MAX_HANDLE, -1))[::-1]
    tail = handle_frames(range(mapping.frame_count, mapping.frame_count + _MAX_HANDLE))
    return head + cut + tail, len(head)


def _match_plate_look(strip: Any, placement: CheckedPlacement) -> None:
    """Copy the plate's transform, crop and blending, adapted to the version's size."""
    plate, output = placement.blender_shot.target, placement.plan.output
    for name in _BLEND_ATTRIBUTES:
        setattr(strip, name, getattr(plate, name))
    width, height = _plate_size(placement)
    scale_x = width / output.width if width else 1.0
    scale_y = height / output.height if height else 1.0
    for name in _TRANSFORM_ATTRIBUTES:
        setattr(strip.transform, name, getattr(plate.transform, name))
    strip.transform.scale_x = plate.transform.scale_x * scale_x
    strip.transform.scale_y = plate.transform.scale_y * scale_y
    crops = {"min_x": scale_x, "max_x": scale_x, "min_y": scale_y, "max_y": scale_y}
    for name, scale in crops.items():
        setattr(strip.crop, name, round(getattr(plate.crop, name) / scale))


def _plate_size(placement: CheckedPlacement) -> tuple[int, int]:
    """The plate's size in the sequencer; zeros if it is not known."""
    plate = placement.blender_shot.media.plate
    if placement.plan.host_shot.needs_render:
        # Scenes are rendered at the edit's size.
        return render_size(placement.blender_shot.target.id_data)
    if plate.width and plate.height:
        return plate.width, plate.height
    return movie_info(plate.path_at(placement.blender_shot.media.cut_range.first))[1:]


def _build_stack(plate: Any, versions: tuple[Any, ...]) -> VersionStack:
    effects = speed_effects(api.strips_of(plate.id_data.sequence_editor))
    return VersionStack(plate, effects.get(plate.name, plate), versions)


def _free_channel(
    anchor_strip: Any, lowest: int, spans: list[tuple[int, int]], *without: Any
) -> int:
    """The first channel from ``lowest`` on that is free in all of these frame ranges."""
    editor = anchor_strip.id_data.sequence_editor
    occupied = {
        strip.channel
        for strip in api.strips_of(editor)
        if strip not in without
        for first, end in [api.bounds(strip)]
        if any(first < right and left < end for left, right in spans)
    }
    for channel in range(lowest, api.MAX_CHANNELS + 1):
        locked = channel < len(editor.channels) and editor.channels[channel].lock
        if channel not in occupied and not locked:
            return channel
    message = f"no channel above {anchor_strip.name} is free"
    next_step = "clear a channel, and place the version again"
    raise HostError(message, where="the sequencer", next_step=next_step)


def set_undoable(rollback: contextlib.ExitStack, target: Any, name: str, value: Any) -> None:
    """Set an attribute if it has another value; ``rollback`` gets a callback that reverts it."""
    previous = getattr(target, name)
    if previous != value:
        rollback.callback(setattr, target, name, previous)
        setattr(target, name, value)


def _placement_mode(strip: Any) -> str:
    properties = version_properties(strip)
    return properties.mode_id if properties else ""
