"""The differences between the sequencer APIs of Blender 4.2 LTS and 5.x, and the open editors.

=======================  ======================  =========================  ====================
Item                     4.2, 4.3                4.4 to 5.1                 from 5.2
=======================  ======================  =========================  ====================
strips of an editor      ``sequences``           ``strips``                 ``strips``
inputs of an effect      ``seq1``, ``seq2``      ``input1``, ``input2``     ``input1``, ``input2``
end of a new effect      ``frame_end``           4.x that, 5.x ``length``   ``length``
place of a strip         ``frame_final_start``   ``frame_final_start``      ``left_handle``
place of its content     ``frame_start``         ``frame_start``            ``content_start``
which scene is edited    the window's            5.0: the workspace's       the workspace's
=======================  ======================  =========================  ====================

Positions are frames of the scene; right ends are the frame after the last one, as in Blender.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

#: Values of ``strip.type`` for strips with pictures of their own.
PICTURE_TYPES = ("MOVIE", "IMAGE", "SCENE")
#: The sequencer has channels 1 to 128.
MAX_CHANNELS = 128


def sequencer_scene() -> Any:
    """The scene whose sequencer is edited; None while a file is loaded."""
    workspace = getattr(bpy.context, "workspace", None)
    return getattr(workspace, "sequencer_scene", None) or getattr(bpy.context, "scene", None)


def is_sequencer_visible() -> bool:
    """Whether a sequencer is open in a window of Blender; always without windows."""
    return bpy.app.background or any(_open_areas("SEQUENCE_EDITOR"))


def image_editors() -> list[Any]:
    """Open Image Editors with an image, each with ``image`` and ``image_user``."""
    editors = [area.spaces.active for area in _open_areas("IMAGE_EDITOR")]
    return [editor for editor in editors if editor.image is not None]


def _open_areas(kind: str) -> Iterator[Any]:
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        yield from (area for area in window.screen.areas if area.type == kind)


def is_strip(data: Any) -> bool:
    """Whether Blender data is a strip, not an image or an object."""
    return hasattr(data, "channel")


def strips_of(editor: Any) -> Any:
    """The collection of strips of a sequence editor, without those inside meta strips."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def new_effect(
    strips: Any, name: str, kind: str, channel: int, bounds: tuple[int, int], *inputs: Any
) -> Any:
    """Create an effect strip on ``inputs``: one or two, none for a colour or a text."""
    left, right = bounds
    is_5 = bpy.app.version >= (5, 0, 0)
    arguments: dict[str, Any] = {"length": right - left} if is_5 else {"frame_end": right}
    prefix = "seq" if bpy.app.version < (4, 4, 0) else "input"
    arguments |= {f"{prefix}{number}": strip for number, strip in enumerate(inputs, 1)}
    return strips.new_effect(name=name, type=kind, channel=channel, frame_start=left, **arguments)


def inputs_of(strip: Any) -> tuple[Any, ...]:
    """The input strips of an effect strip; none for other strips."""
    inputs = (getattr(strip, "input_1", None), getattr(strip, "input_2", None))
    return tuple(strip for strip in inputs if strip is not None)


def bounds(strip: Any) -> tuple[int, int]:
    """First frame that a strip shows, and the one after its last."""
    if hasattr(strip, "left_handle"):
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def content_bounds(strip: Any) -> tuple[float, float]:
    """Start and end of a strip's whole content, including trimmed parts."""
    _, right = bounds(strip)
    if hasattr(strip, "content_start"):
        return strip.content_start, right + strip.right_handle_offset
    return strip.frame_start, right + strip.frame_offset_end


def content_trims(strip: Any) -> tuple[int, int]:
    """Media frames removed before and after the content: Blender's hard trims."""
    if hasattr(strip, "content_trim_start"):
        return strip.content_trim_start, strip.content_trim_end
    return strip.animation_offset_start, strip.animation_offset_end


def move_content(strip: Any, start: int) -> None:
    """Move a strip with its trims so that its content starts at a frame."""
    if hasattr(strip, "content_start"):
        strip.content_start = start
    else:
        strip.frame_start = start


def trim(strip: Any, left: int, right: int) -> None:
    """Trim a strip without moving its content, which may be outside of the trims."""
    first, end = "frame_final_start", "frame_final_end"
    if hasattr(strip, "left_handle"):
        first, end = "left_handle", "right_handle"
    handles = [(first, left), (end, right)]
    if left >= getattr(strip, end):
        handles.reverse()  # Blender does not let a handle pass the other
    for name, frame in handles:
        setattr(strip, name, frame)


def retiming_keys(strip: Any) -> list[float]:
    """Frames of a strip's retiming keys; none if it is not retimed."""
    return [key.timeline_frame for key in getattr(strip, "retiming_keys", ())]
