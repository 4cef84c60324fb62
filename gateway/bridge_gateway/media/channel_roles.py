"""The roles of a picture's channels: the beauty, its alpha, light, or data.

A channel's full name is ``layer.channel`` as in OpenEXR (``diffuse.R``); in multi-part files the
part's name is the layer of channels that name none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_RGB_NAMES = (("r", "red"), ("g", "green"), ("b", "blue"))
_ALPHA_NAMES = ("a", "alpha")
_GREY_NAMES = ("y", "l", "grey", "gray")

#: Names of the beauty layer in files of Nuke, Blender, Arnold and RenderMan.
BEAUTY_LAYERS = frozenset(
    {"", "rgba", "rgb", "beauty", "combined", "main", "c", "ci", "master", "image"}
)

#: Words in the name of a layer whose values are data, not light.
_MOTION_WORDS = frozenset(
    {"backward", "disparity", "flow", "forward", "motion", "motionvector", "speed"}
    | {"vector", "vectors", "velocity"}
)
_DATA_WORDS = _MOTION_WORDS | frozenset(
    {"asset", "crypto", "cryptomatte", "deep", "depth", "i", "id", "ids", "index", "indexma"}
    | {"indexob", "material", "mist", "n", "normal", "normals", "object", "p", "point", "points"}
    | {"pos", "position", "pref", "nref", "pworld", "st", "u", "uv", "uvs", "v", "world", "z"}
    | {"zdepth"}
)
_COLOUR_CHANNELS = frozenset(
    {"r", "g", "b", "a", "y", "red", "green", "blue", "alpha", "ry", "by", "l"}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def find_beauty(
    channels: Sequence[str], part: str = "", *, require_name: bool = False
) -> tuple[int, int, int] | None:
    """Indices of the R, G and B channels that show the picture; None if no layer has all three.

    Channels without a layer come first, then a layer with a renderer's name for the beauty, then
    the first layer in the file that has all three and is not data. ``part`` is the layer of
    channels that name none. ``require_name``: only a layer with such a name.
    """
    candidates: dict[str, tuple[int, int, int]] = {}
    for index, channel in enumerate(channels):
        layer, last = split_channel(channel)
        if last.lower() in _RGB_NAMES[0] and layer not in candidates:
            rgb = [_find_channel(channels, layer, names) for names in _RGB_NAMES]
            if None not in rgb:
                candidates[layer] = (index, rgb[1] or 0, rgb[2] or 0)
    for layer in sorted(candidates, key=lambda name: (name != "", not is_beauty_layer(name))):
        if (not require_name or is_beauty_layer(layer or part)) and not is_data_channel(
            f"{layer}.R", part
        ):
            return candidates[layer]
    return None


def is_beauty_layer(layer: str) -> bool:
    """Whether the name ends with a renderer's name for the beauty: ``ViewLayer.Combined``."""
    return layer.rpartition(".")[2].lower() in BEAUTY_LAYERS


def find_grey(channels: Sequence[str]) -> int | None:
    """Index of the channel that shows a greyscale picture; None if there is none."""
    for names in (_GREY_NAMES, ("r", "red")):
        index = _find_channel(channels, "", names)
        if index is not None:
            return index
    return 0 if len(channels) == 1 and not is_data_channel(channels[0]) else None


def find_alpha(channels: Sequence[str], layer: str) -> int | None:
    """Index of a layer's alpha; None if it has none."""
    return _find_channel(channels, layer, _ALPHA_NAMES)


def split_channel(channel: str) -> tuple[str, str]:
    """``diffuse.direct.R`` as ``("diffuse.direct", "R")``; a plain ``R`` as ``("", "R")``."""
    layer, _, last = channel.rpartition(".")
    return layer, last


def is_data_channel(channel: str, part: str = "") -> bool:
    """Whether a channel holds depth, ids, normals or vectors, whose values must not be averaged.

    Unknown channels count as data too, because copied values are never wrong.
    """
    layer, last = split_channel(channel)
    if last.lower() not in _COLOUR_CHANNELS:
        return True
    return bool(_name_words(layer or part) & _DATA_WORDS)


def is_motion_channel(channel: str, part: str = "") -> bool:
    """Whether values may be in pixels, and so depend on the picture's size."""
    layer, _ = split_channel(channel)
    return bool(_name_words(layer or part) & _MOTION_WORDS)


def _name_words(name: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(name)}
    return words | {piece.lower() for piece in re.split(r"[^A-Za-z]+", name) if piece}


def _find_channel(channels: Sequence[str], layer: str, names: Sequence[str]) -> int | None:
    for index, channel in enumerate(channels):
        its_layer, last = split_channel(channel)
        if its_layer == layer and last.lower() in names:
            return index
    return None
