"""The open editors in Blender's windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy


def image_editors() -> Iterator[Any]:
    """Image Editors with an image, each with ``image`` and ``image_user``."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and area.spaces.active.image is not None:
                yield area.spaces.active
