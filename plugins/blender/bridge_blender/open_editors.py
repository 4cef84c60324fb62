"""The editors that are open in Blender's windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy


def image_editors() -> Iterator[Any]:
    """The Image Editors that show an image: each has its ``image`` and its ``image_user``."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and area.spaces.active.image is not None:
                yield area.spaces.active
