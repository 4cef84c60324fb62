"""What the channels of a picture are for: the beauty, its alpha, light, or data.

A channel's full name is ``layer.channel`` as OpenEXR writes it (``diffuse.R``); in multi-part
files the part's name stands for the layer where the channel has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_RGB = (("r", "red"), ("g", "green"), ("b", "blue"))
_ALPHA = ("a", "alpha")
_GREY = ("y", "l", "grey", "gray")

#: Layers that hold the finished picture in the files of Nuke, Blender, Arnold and RenderMan.
BEAUTY = frozenset({"", "rgba", "rgb", "beauty", "combined", "main", "c", "ci", "master", "image"})

#: Words in a layer's or channel's name that say: numbers to compute with, not light to look at.
_MOTION = frozenset(
    {"backward", "disparity", "flow", "forward", "motion", "motionvector", "speed"}
    | {"vector", "vectors", "velocity"}
)
_DATA = _MOTION | frozenset(
    {"asset", "crypto", "cryptomatte", "deep", "depth", "i", "id", "ids", "index", "indexma"}
    | {"indexob", "material", "mist", "n", "normal", "normals", "object", "p", "point", "points"}
    | {"pos", "position", "pref", "nref", "pworld", "st", "u", "uv", "uvs", "v", "world", "z"}
    | {"zdepth"}
)
_LIGHT = frozenset({"r", "g", "b", "a", "y", "red", "green", "blue", "alpha", "ry", "by", "l"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def beauty(
    channels: Sequence[str], part: str = "", *, named: bool = False
) -> tuple[int, int, int] | None:
    """Indices of the R, G and B that show the picture. None where nothing has all three.

    Without a layer's name first, then a layer called as renderers call their beauty, then the
    first layer in the file that has all three and is no data. ``part`` names the layer of channels
    that name none. ``named``: only a layer that is called so.
    """
    found: dict[str, tuple[int, int, int]] = {}
    for index, channel in enumerate(channels):
        layer, last = split(channel)
        if last.lower() in _RGB[0] and layer not in found:
            three = [_find(channels, layer, names) for names in _RGB]
            if None not in three:
                found[layer] = (index, three[1] or 0, three[2] or 0)
    for layer in sorted(found, key=lambda name: (name != "", not is_beauty(name))):
        if (not named or is_beauty(layer or part)) and not is_data(f"{layer}.R", part):
            return found[layer]
    return None


def is_beauty(layer: str) -> bool:
    """True for ``ViewLayer.Combined``: its last word is what renderers call their beauty."""
    return layer.rpartition(".")[2].lower() in BEAUTY


def grey(channels: Sequence[str]) -> int | None:
    """Index of the one channel that shows a picture without colour; None where there is none."""
    for names in (_GREY, ("r", "red")):
        index = _find(channels, "", names)
        if index is not None:
            return index
    return 0 if len(channels) == 1 and not is_data(channels[0]) else None


def alpha(channels: Sequence[str], layer: str) -> int | None:
    """Index of the alpha that belongs to a layer."""
    return _find(channels, layer, _ALPHA)


def split(channel: str) -> tuple[str, str]:
    """``diffuse.direct.R`` as ``("diffuse.direct", "R")``; a plain ``R`` as ``("", "R")``."""
    layer, _, last = channel.rpartition(".")
    return layer, last


def is_data(channel: str, part: str = "") -> bool:
    """True for depth, ids, normals, vectors: averaging two of their values makes a wrong one.

    What no rule knows is taken for data too, because copying a value never invents one.
    """
    layer, last = split(channel)
    if last.lower() not in _LIGHT:
        return True
    return bool(_words(layer or part) & _DATA)


def is_motion(channel: str, part: str = "") -> bool:
    """True for vectors whose values may count pixels, and so depend on the picture's size."""
    layer, _ = split(channel)
    return bool(_words(layer or part) & _MOTION)


def _words(name: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(name)}
    return words | {piece.lower() for piece in re.split(r"[^A-Za-z]+", name) if piece}


def _find(channels: Sequence[str], layer: str, names: Sequence[str]) -> int | None:
    for index, channel in enumerate(channels):
        its_layer, last = split(channel)
        if its_layer == layer and last.lower() in names:
            return index
    return None
