"""Places versions in the .blend: as strips, images, planes or camera backgrounds.

Everything is checked before anything is created. If something fails, all of it is reverted; if it
succeeds, it is one undo step. Plates and earlier versions are not changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement, PlacementResult

from . import sequencer_api as api
from . import version_images, version_strips
from .custom_properties import (
    ABOVE,
    BACKGROUND,
    PLANE,
    SWAP,
    dump_properties,
    restore_properties,
    store_show,
    stored_show,
)
from .placement_checks import CheckedPlacement, check_placement, is_placed
from .shots import BlenderShotList

_MODE_DESCRIPTIONS = {
    ABOVE: "above {source}, on channel {channel}",
    SWAP: "in place of {source}",
    PLANE: "as a plane in the scene",
    BACKGROUND: "as the camera background",
}


def place(listing: BlenderShotList, placements: Sequence[Placement]) -> PlacementResult:
    """See :meth:`bridge_core.hosts.base.Host.place`.

    :raises HostError: a version cannot be placed, or undo would not work; nothing was changed.
    """
    checked_placements = [check_placement(listing, placement) for placement in placements]
    new = [placement for placement in checked_placements if not is_placed(placement)]
    if new:
        _require_undo_support(listing)
    with _rollback_on_error() as rollback:
        descriptions = [_place_version(placement, rollback) for placement in new]
        if new:
            _store_show(listing.show, rollback)
    if not new:
        message = "It is placed already" if checked_placements else "There was nothing to place"
        return PlacementResult(message)
    with _window_context():
        title = "Place a version" if len(new) == 1 else "Place versions"
        bpy.ops.ed.undo_push(message=title)
    if len(descriptions) > 3:
        return PlacementResult(f"{len(descriptions)} versions placed")
    return PlacementResult("; ".join(descriptions))


def _place_version(placement: CheckedPlacement, rollback: contextlib.ExitStack) -> str:
    mode_id, source = placement.plan.mode_id, placement.plan.host_shot.label
    if placement.is_strip:
        strip = version_strips.place_strip(placement, rollback)
        location = _MODE_DESCRIPTIONS[mode_id].format(channel=strip.channel, source=source)
    else:
        version_images.place_image(placement, rollback)
        is_in_scene = mode_id in (PLANE, BACKGROUND)
        location = _MODE_DESCRIPTIONS[mode_id] if is_in_scene else "in the Image Editor"
    return f"{placement.title} {location}"


def _store_show(show: str, rollback: contextlib.ExitStack) -> None:
    scene = api.sequencer_scene()
    if stored_show(scene) != show:
        rollback.callback(restore_properties, scene, dump_properties(scene))
        store_show(scene, show)


def _require_undo_support(listing: BlenderShotList) -> None:
    """:raises HostError: Blender is in Edit Mode, where undo steps only hold the edited data."""
    with _window_context():
        mode = bpy.context.mode
    if mode.startswith("EDIT_"):
        message = "Blender is in Edit Mode, where placing could not be undone"
        next_step = "leave Edit Mode (Tab in the 3D viewport), and place the version again"
        raise HostError(message, where=listing.title, next_step=next_step)


def _window_context() -> Any:
    """A context with a window: right after a file was loaded Blender has none."""
    windows = bpy.context.window_manager.windows
    window = bpy.context.window or (windows[0] if len(windows) else None)
    return bpy.context.temp_override(window=window)


@contextlib.contextmanager
def _rollback_on_error() -> Iterator[contextlib.ExitStack]:
    """A stack of callbacks that only run if the block fails."""
    with contextlib.ExitStack() as rollback:
        try:
            yield rollback
        except RuntimeError as error:
            message = f"Blender cannot place it: {str(error).strip()}"
            next_step = "nothing was changed; see Blender's message"
            raise HostError(message, next_step=next_step) from error
        rollback.pop_all()
