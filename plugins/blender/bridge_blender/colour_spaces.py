"""Translates between Blender's colour space names and those of OCIO's public configs.

With ``$OCIO`` set, Blender uses the studio's config, as the gateway does, and names are not
changed. Otherwise Blender uses its own config with names of its own. The OCIO names are names or
aliases in all releases of OCIO's CG and studio configs. Each space was compared by its definition
in the ``config.ocio`` of Blender 4.2 and 5.2.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import bpy

from bridge_core.errors import HostError

#: The gateway's name for data that is not colour (``bridge_core.models.versions.ResultOutput``).
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

#: Other names of the same spaces, which a gateway's config may use for versions.
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
    """The OCIO name of a Blender colour space."""
    return space if os.environ.get("OCIO") else _OCIO_NAMES.get(space, space)


def blender_name(space: str) -> str:
    """Blender's name of an OCIO colour space.

    :raises HostError: Blender's config has no such space.
    """
    kind = bpy.types.ColorManagedInputColorspaceSettings
    choices = kind.bl_rna.properties["name"].enum_items.keys()
    for name in (space, _BLENDER_NAMES.get(space.casefold(), "")):
        if name in choices:
            return name
    next_step = "start Blender with the studio's config in $OCIO, or make the version in one of "
    next_step += f"Blender's spaces: {', '.join(sorted(choices))}"
    message, where = f"Blender has no colour space {space!r}", "Blender's OCIO config"
    raise HostError(message, where=where, next_step=next_step)


def scene_linear_space() -> str:
    """Blender's name of the space that it renders in and writes EXR files in."""
    data = getattr(bpy.data, "colorspace", None)
    working = getattr(data, "working_space", "")  # of the file, since 5.0
    return str(working) or _read_scene_linear_role(os.environ.get("OCIO", ""))


@lru_cache
def _read_scene_linear_role(config: str) -> str:
    """The space of the role ``scene_linear`` in a config file, or in Blender's own config if
    ``config`` is empty. For an archive or a built-in config, the name of the role.
    """
    folder = bpy.utils.system_resource("DATAFILES", path="colormanagement")
    try:
        text = Path(config or f"{folder}/config.ocio").read_text(encoding="utf-8")
        match = _SCENE_LINEAR.search(text)
    except (OSError, UnicodeDecodeError):
        match = None
    return match[1].strip("'\" ") if match else "scene_linear"
