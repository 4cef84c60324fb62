"""Computes the pictures of nodes and writes them: real files, read and written by OpenImageIO.

Colour is not converted: a Read or Write with another space than the script's working space is
refused unless it is raw.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO as oiio
from stubs import NotModelledError

from nuke_fake import node_classes, timing
from nuke_fake.api import running

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nuke_fake.nodes import Node

    Planes = dict[str, NDArray[np.float32]]

_RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
#: Nuke's names of file channels. A single luminance channel is used for all three colours.
_OF_FILES = {"R": _RGBA[0], "G": _RGBA[1], "B": _RGBA[2], "A": _RGBA[3]}
_HALF = {"16 bit half": oiio.HALF, "32 bit float": oiio.FLOAT}
_COMPRESSION = {"Zip (1 scanline)": "zips", "Zip (16 scanlines)": "zip", "none": "none"}


def channels(node: Node) -> list[str]:
    """The channels at the first frame of the script's range."""
    if node._kind in node_classes.NO_PICTURE:
        return []
    if node._kind == "Constant":
        return list(_RGBA)
    if node._kind == "Read":
        return _names(_file(node, node["first"].value()))
    if node._kind == "Shuffle2":
        return list(_RGBA)
    source = node.input(0)
    if node._kind == "CheckerBoard2":
        return list(_RGBA)
    return channels(source) if source is not None else []


def picture(node: Node, frame: int) -> Planes:
    """Planes of the node's format, by channel.

    :raises RuntimeError: as Nuke does when it cannot compute.
    """
    if node._kind == "Read":
        return _read(node, frame)
    if node._kind == "Constant":
        shape = (node.height(), node.width())
        colour = node["color"].value()
        pairs = zip(_RGBA, colour, strict=True)
        return {name: np.full(shape, value, np.float32) for name, value in pairs}
    if node._kind == "CheckerBoard2":
        rows, columns = np.indices((node.height(), node.width())) // int(node["boxsize"].value())
        checkerboard = ((rows + columns) % 2).astype(np.float32)
        return dict.fromkeys(_RGBA, checkerboard)
    if node._kind == "Shuffle2":
        return _shuffled(node, frame)
    source = node.input(0)
    if source is None:
        raise RuntimeError(f"{node.name()}: no input")
    planes = picture(source, frame)
    if node._kind == "Multiply" and not node["disable"].value():
        values = dict(zip(_RGBA[:3], node["value"].value()[:3], strict=True))
        planes = {name: plane * values.get(name, 1.0) for name, plane in planes.items()}
    elif node._kind not in ("Multiply", "Dot", "NoOp", "Write"):
        raise NotModelledError(f"the picture of a {node._kind}")
    return planes


def write(node: Node, frame: int) -> Path:
    """Write a frame of a Write node.

    :raises RuntimeError: as Nuke does.
    """
    pattern = node["file"].getEvaluatedValue()
    if not pattern:
        raise RuntimeError(f"{node.name()}: no file name")
    path = Path(pattern % frame if "%" in pattern else pattern)
    if not path.parent.is_dir():
        if not node["create_directories"].value():
            raise RuntimeError(f"{node.name()}: {path.parent}: No such file or directory")
        path.parent.mkdir(parents=True)
    if node["file_type"].value() != "exr":
        raise NotModelledError(f"writing {node['file_type'].value()}")
    _same_colour(node)
    source = node.input(0)
    if source is None:
        raise RuntimeError(f"{node.name()}: no input")
    planes = picture(source, frame)
    wanted = _RGBA if node["channels"].value() in ("rgba", "all") else _RGBA[:3]
    names = [name for name in wanted if name in planes]
    if running().root["proxy"].value():
        planes = {name: plane[::2, ::2] for name, plane in planes.items()}
    pixels = np.stack([planes[name] for name in names], axis=2)
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(names), oiio.FLOAT)
    spec.set_format(_HALF[node["datatype"].value()])
    spec.channelnames = [name.rpartition(".")[2][0].upper() for name in names]
    spec.attribute("compression", _COMPRESSION[node["compression"].value()])
    spec.attribute("PixelAspectRatio", source.pixelAspect())
    out = oiio.ImageOutput.create(str(path))
    if out is None or not out.open(str(path), spec) or not out.write_image(pixels):
        raise RuntimeError(f"{node.name()}: cannot write {path}: {oiio.geterror()}")
    out.close()
    return path


def _read(node: Node, frame: int) -> Planes:
    _same_colour(node)
    number = timing.file_frame(node, frame)
    shape = (node.height(), node.width())
    if number is None:
        return {name: np.zeros(shape, np.float32) for name in _RGBA[:3]}
    path = _file(node, number)
    if not path.exists():
        return _missing(node, path, shape, frame)
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise RuntimeError(f"{node.name()}: Read error: {path}: {oiio.geterror()}")
    spec = image.spec()
    pixels: Any = image.read_image(oiio.FLOAT)
    image.close()
    planes = {
        _OF_FILES.get(name, f"other.{name}"): pixels[:, :, at].astype(np.float32)
        for at, name in enumerate(spec.channelnames)
    }
    if list(spec.channelnames) == ["Y"]:
        planes = dict.fromkeys(_RGBA[:3], pixels[:, :, 0].astype(np.float32))
    return planes


def _file(node: Node, number: int) -> Path:
    pattern = node["file"].getEvaluatedValue()
    return Path(pattern % number if "%" in pattern else pattern)


def _names(path: Path) -> list[str]:
    """Channels of a file; of one that is not there, those that are usual."""
    image = oiio.ImageInput.open(str(path)) if path.exists() else None
    if image is None:
        return list(_RGBA[:3])
    names = list(image.spec().channelnames)
    image.close()
    if names == ["Y"]:
        return list(_RGBA[:3])
    return [_OF_FILES.get(name, f"other.{name}") for name in names]


def _missing(node: Node, path: Path, shape: tuple[int, int], frame: int) -> Planes:
    how = node["on_error"].value()
    if how == "error":
        raise RuntimeError(f"{node.name()}: Read error: No such file or directory: {path}")
    if how == "black":
        return {name: np.zeros(shape, np.float32) for name in _RGBA[:3]}
    if how == "nearest frame":
        first, last = timing.shown_range(node)
        pattern = node["file"].getEvaluatedValue()
        there = [
            other
            for other in range(first, last + 1)
            if Path(pattern % timing.file_frame(node, other)).exists()
        ]
        if there:
            return _read(node, min(there, key=lambda other: abs(other - frame)))
    raise NotModelledError(f"missing frames as {how}")


def _shuffled(node: Node, frame: int) -> Planes:
    sources: list[Planes] = []
    for number in (1, 2):
        letter = node[f"fromInput{number}"].value()
        source = node.input("BA".index(letter))
        sources.append(picture(source, frame) if source is not None else {})
    made: Planes = {}
    for which, origin, target in node["mappings"].value():
        if origin not in sources[which]:
            raise RuntimeError(f"{node.name()}: input {which} has no channel {origin}")
        made[target] = sources[which][origin]
    return made


def _same_colour(node: Node) -> None:
    if node["raw"].value():
        return
    space, root = node["colorspace"].value(), running().root
    working = "linear" if root["colorManagement"].value() == "Nuke" else _plain(
        root["workingSpaceLUT"].value()
    )  # fmt: skip
    if space != "default" and _plain(space) != working:
        raise NotModelledError(f"converting from {space} to {working}")


def _plain(space: str) -> str:
    """The space of a role; other names unchanged."""
    labels = dict(one.split("\t") for one in node_classes.OCIO_SPACES if "\t" in one)
    return labels.get(space, "").partition("(")[2].rstrip(")") or space
