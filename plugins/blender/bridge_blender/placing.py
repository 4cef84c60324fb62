"""Puts versions into the .blend: as strips, as images, as planes, behind the camera's view.

Everything is checked before anything is made, what was made is taken away again when something
fails, and all of it is one step for Ctrl-Z. Plates and earlier versions stay where they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from bridge_core.errors import HostError
from bridge_core.host import Placed, Placement

from . import pictures, strips
from . import sequencer_api as api
from .plans import Plan, plan_of, stands
from .remembered import ABOVE, BACKGROUND, PLANE, SWAP, as_json, mark_show, restore, show_of
from .shots import Survey

_WORDS = {
    ABOVE: "above {source}, on channel {channel}",
    SWAP: "in the place of {source}",
    PLANE: "as a plane in the scene",
    BACKGROUND: "behind the camera's view",
}


def place(survey: Survey, placements: Sequence[Placement]) -> Placed:
    """See :meth:`bridge_core.host.Host.place`.

    :raises HostError: one of them cannot be placed, or not so that it can be undone; none was.
    """
    plans = [plan_of(survey, one) for one in placements]
    new = [plan for plan in plans if not stands(plan)]
    if new:
        _can_be_undone(survey)
    with _undone_by_error() as undo:
        words = [_put(plan, undo) for plan in new]
        if new:
            _keep_show(survey.show, undo)
    if not new:
        return Placed("It stands there already" if plans else "There was nothing to place")
    told = "; ".join(words) if len(words) <= 3 else f"{len(words)} versions placed"
    _push_undo("Place a version" if len(new) == 1 else "Place versions")
    return Placed(told)


def _put(plan: Plan, undo: contextlib.ExitStack) -> str:
    if plan.as_strip:
        strip = strips.put(plan, undo)
        where = _WORDS[plan.way].format(channel=strip.channel, source=plan.found.item.source)
    else:
        pictures.put(plan, undo)
        where = _WORDS[plan.way] if plan.way in (PLANE, BACKGROUND) else "in the Image Editor"
    return f"{plan.title} {where}"


def _keep_show(show: str, undo: contextlib.ExitStack) -> None:
    scene = api.sequencer_scene()
    if show_of(scene) != show:
        undo.callback(restore, scene, as_json(scene))
        mark_show(scene, show)


def _can_be_undone(survey: Survey) -> None:
    """:raises HostError: Blender's steps for Ctrl-Z hold nothing but the mesh, curve or bones that
    are edited."""
    with _in_window():
        mode = bpy.context.mode
    if mode.startswith("EDIT_"):
        raise HostError(
            "Blender is in Edit Mode, where Ctrl-Z would not take a placement back",
            where=survey.title,
            next_step="leave Edit Mode (Tab in the 3D viewport), and place it again",
        )


def _push_undo(message: str) -> None:
    """One step for Ctrl-Z."""
    with _in_window():
        bpy.ops.ed.undo_push(message=message)


def _in_window() -> Any:
    """Right after a file was loaded Blender knows of no window by itself."""
    windows = bpy.context.window_manager.windows
    window = bpy.context.window or (windows[0] if len(windows) else None)
    return bpy.context.temp_override(window=window)


@contextlib.contextmanager
def _undone_by_error() -> Iterator[contextlib.ExitStack]:
    """What is pushed on the stack runs only where the whole fails."""
    with contextlib.ExitStack() as undo:
        try:
            yield undo
        except RuntimeError as error:
            raise HostError(
                f"Blender cannot place it: {str(error).strip()}",
                next_step="nothing was changed; look at Blender's own message",
            ) from error
        undo.pop_all()
