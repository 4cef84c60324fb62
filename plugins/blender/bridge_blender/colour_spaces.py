"""Blender's names of colour spaces, and the names that OCIO's public configs have for the same.

With ``$OCIO`` set Blender works in the studio's config, as the gateway does, and names go through
as they are. Otherwise Blender works in a config of its own, whose spaces have names of their own.
The right column are names or aliases that OCIO's CG and studio configs know in all of their
releases; each space was compared by its definition in Blender 4.2's and 5.2's ``config.ocio``.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import bpy

from bridge_core.errors import HostError

#: The gateway's word for values that are no colour (``bridge_core.models.versions.Output``).
_DATA = "data"

_SCENE_LINEAR = re.compile(r"^\s*scene_linear:\s*(.+?)\s*$", re.MULTILINE)

_OCIO_NAMES = {
    "Linear Rec.709": "Linear Rec.709 (sRGB)",
    "Linear DCI-P3 D65": "Linear P3-D65",
    "Linear Adobe RGB": "Linear AdobeRGB",
    "sRGB": "sRGB - Texture",
    "Rec.1886": "Gamma 2.4 Rec.709 - Texture",
    "sRGB Encoded P3-D65": "sRGB Encoded P3-D65 - Texture",
    "Non-Color": "Raw",
}

#: Further names of the same spaces, as a gateway's config may call what it sends back.
_BLENDER_NAMES = {
    **{public.casefold(): name for name, public in _OCIO_NAMES.items()},
    "srgb encoded rec.709 (srgb)": "sRGB",
    "utility - srgb - texture": "sRGB",
    "utility - linear - srgb": "Linear Rec.709",
    "utility - linear - rec.709": "Linear Rec.709",
    "utility - linear - rec.2020": "Linear Rec.2020",
    "utility - linear - p3-d65": "Linear DCI-P3 D65",
    "aces - acescg": "ACEScg",
    "aces - aces2065-1": "ACES2065-1",
    "gamma 2.4 encoded rec.709": "Rec.1886",
    "utility - raw": "Non-Color",
    _DATA: "Non-Color",
}


def ocio_name(space: str) -> str:
    """What the gateway knows a space of Blender as."""
    return space if os.environ.get("OCIO") else _OCIO_NAMES.get(space, space)


def blender_name(space: str) -> str:
    """What Blender calls a space of the gateway.

    :raises HostError: Blender's config has no such space.
    """
    kind = bpy.types.ColorManagedInputColorspaceSettings
    choices = kind.bl_rna.properties["name"].enum_items.keys()
    for name in (space, _BLENDER_NAMES.get(space.casefold(), "")):
        if name in choices:
            return name
    raise HostError(
        f"Blender has no colour space {space!r}",
        where="Blender's OCIO config",
        next_step="start Blender with the studio's config in $OCIO, or ask for the version in a "
        f"space that it has: {', '.join(sorted(choices))}",
    )


def scene_linear_space() -> str:
    """Blender's name of the space that it renders in, and writes EXR files in."""
    data = getattr(bpy.data, "colorspace", None)
    working = getattr(data, "working_space", "")  # of the file, from 5.0 on
    return str(working) or _read_scene_linear_role(os.environ.get("OCIO", ""))


@lru_cache
def _read_scene_linear_role(config: str) -> str:
    """What ``scene_linear`` stands for in a config's file; ``config`` is empty for Blender's own.

    Of an archive or a built-in config the role itself is what the gateway is told.
    """
    builtin_config = (
        Path(bpy.utils.system_resource("DATAFILES", path="colormanagement")) / "config.ocio"
    )
    try:
        text = Path(config or builtin_config).read_text(encoding="utf-8")
        match = _SCENE_LINEAR.search(text)
    except (OSError, UnicodeDecodeError):
        match = None
    return match[1].strip("'\" ") if match else "scene_linear"
