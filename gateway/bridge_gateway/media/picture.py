"""A picture in memory: its parts, channels and windows, at the depth of the file it came from.

Pixels are arrays of shape (height, width, channels), top row first, covering the data window.
:mod:`.picture_reader` and :mod:`.picture_writer` read and write files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import UnreadableMedia
from bridge_gateway.arrays import FloatArray, repeat_pixels, upsample_plane
from bridge_gateway.media import channel_roles
from bridge_gateway.media.exr_header_patch import RawAttribute
from bridge_gateway.media.picture_samples import (
    SAMPLE_DTYPES,
    from_float,
    read_timecode,
    to_float,
)

#: In a window: 16384 x 16384. A header that claims more is damaged or malicious, and would fill
#: the memory.
MAX_PIXELS = 1 << 28

#: Header attribute that lists layers whose values depend on the size and were not scaled with it.
UNSCALED_LAYERS_ATTRIBUTE = "shotbridge/unscaledLayers"


class PixelWindow(NamedTuple):
    """A rectangle of pixels; ``x`` goes right and ``y`` down from the origin."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class PicturePart:
    """One image of a file; only multi-part EXR and TIFF files have more than one.

    ``pixels`` have the file's own type. If the channels of an EXR differ in type, they share the
    smallest type that holds each exactly (float32, or float64 beside ``uint``), and
    ``sample_types`` lists their types in the file. ``header`` is the OpenImageIO ``ImageSpec``
    with windows, compression and metadata; it must not be changed in place. ``attributes`` are
    those of an EXR's header as stored, because OpenImageIO does not return all of them.
    """

    name: str
    channels: tuple[str, ...]
    pixels: NDArray[Any]
    sample_types: tuple[str, ...]
    header: Any
    attributes: tuple[RawAttribute, ...] = ()

    @property
    def data_window(self) -> PixelWindow:
        spec = self.header
        return PixelWindow(spec.x, spec.y, self.pixels.shape[1], self.pixels.shape[0])

    @property
    def display_window(self) -> PixelWindow:
        spec = self.header
        return PixelWindow(spec.full_x, spec.full_y, spec.full_width, spec.full_height)

    @property
    def bits(self) -> int:
        """Bits of a sample that carry information: 10 in a 10-bit DPX held as uint16."""
        bits = int(self.header.get_int_attribute("oiio:BitsPerSample"))
        return bits or int(np.dtype(SAMPLE_DTYPES[self.sample_types[0]]).itemsize * 8)

    def plane(self, index: int) -> FloatArray:
        """A channel as float32 (height, width); integers of 8 and 16 bits become 0 to 1."""
        return to_float(self.pixels[..., index], self.sample_types[index], self.bits)

    def with_planes(self, planes: Mapping[int, FloatArray]) -> PicturePart:
        """The same part with these channels' values, converted to the channels' types."""
        pixels = self.pixels.copy()
        for index, plane in planes.items():
            pixels[..., index] = from_float(plane, self.sample_types[index], self.bits)
        return replace(self.without_preview(), pixels=pixels)

    def without_preview(self) -> PicturePart:
        """The part without the preview in its header, which shows other pixels."""
        attributes = tuple(entry for entry in self.attributes if entry.type != b"preview")
        return replace(self, attributes=attributes)


@dataclass(frozen=True, eq=False)
class Picture:
    """The content of a file. Immutable: methods that change it return a new picture.

    The main part, layer and channels show the picture; see
    :func:`bridge_gateway.media.channel_roles.find_beauty`.
    """

    parts: tuple[PicturePart, ...]
    file_format: str
    """``openexr``, ``dpx``, ``tiff``, ``png``, ``jpeg``, or ``movie`` for a movie's frame."""
    where: str = ""
    """The file it was read from, for messages."""
    notes: tuple[str, ...] = ()
    """What the file has and the picture does not."""

    @cached_property
    def main_channels(self) -> tuple[int, tuple[int, int, int]]:
        """Index of the main part, and of its R, G and B (the same index three times for grey).

        Layers may be parts or channels; in both cases, one with a renderer's name for the beauty
        comes first.
        """
        order = (True, False) if len(self.parts) > 1 else (False,)
        for require_name in order:
            for index, part in enumerate(self.parts):
                rgb = channel_roles.find_beauty(part.channels, part.name, require_name=require_name)
                if rgb is not None:
                    return index, rgb
        for require_name in order:
            for index, part in enumerate(self.parts):
                grey = channel_roles.find_grey(part.channels)
                if grey is None or channel_roles.is_data_channel(part.channels[grey], part.name):
                    continue
                if not require_name or channel_roles.is_beauty_layer(part.name):
                    return index, (grey, grey, grey)
        names = ", ".join(channel for part in self.parts for channel in part.channels)
        raise UnreadableMedia(
            f"none of the channels {names} shows a picture",
            where=self.where,
            next_step="send a plate with R, G and B, or one grey channel",
        )

    @property
    def picture_channels(self) -> tuple[int, ...]:
        """Indices in the main part of the main channels and of their alpha, each once."""
        alpha = self._alpha_index()
        return tuple(dict.fromkeys((*self.main_channels[1], *(() if alpha is None else (alpha,)))))

    @property
    def main_part(self) -> PicturePart:
        return self.parts[self.main_channels[0]]

    @property
    def width(self) -> int:
        """Width of the main part's data window, as in :meth:`rgb`."""
        return int(self.main_part.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.main_part.pixels.shape[0])

    @property
    def display_window(self) -> PixelWindow:
        """The picture's format in Nuke's sense: the main part's display window."""
        return self.main_part.display_window

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel divided by its height; 2.0 for 2x anamorphic."""
        return float(self.main_part.header.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0

    @property
    def depth(self) -> str:
        """Sample type of the main channels: half, float, uint8, uint10, uint16..."""
        part = self.main_part
        name = part.sample_types[self.main_channels[1][0]]
        return f"uint{part.bits}" if name in ("uint8", "uint16") else name

    @property
    def timecode(self) -> str | None:
        """SMPTE timecode in the header (``HH:MM:SS:FF``, ``;`` for drop-frame)."""
        return read_timecode(self.main_part.header)

    def rgb(self) -> FloatArray:
        """The picture as float32 (height, width, 3); grey is repeated in three channels."""
        part, indices = self.main_part, self.main_channels[1]
        first = indices[0]
        if indices == (first, first + 1, first + 2):
            colour = part.pixels[..., first : first + 3]
            return to_float(colour, part.sample_types[first], part.bits)
        return np.stack([part.plane(index) for index in indices], axis=-1)

    def stored_rgb(self) -> NDArray[Any]:
        """:meth:`rgb`, but a view of the samples as stored if they are half or float."""
        part, three = self.main_part, self.main_channels[1]
        is_adjacent = three == (three[0], three[0] + 1, three[0] + 2)
        if is_adjacent and part.pixels.dtype in (np.float16, np.float32):
            return part.pixels[..., three[0] : three[0] + 3]
        return self.rgb()

    def alpha(self) -> FloatArray | None:
        """The main layer's alpha as float32 (height, width); None if it has none."""
        index = self._alpha_index()
        return None if index is None else self.main_part.plane(index)

    def replace_rgb(self, rgb: FloatArray) -> Picture:
        """The same picture with these colours, in its own sample type.

        A grey picture gets the mean of the three. Integers are clamped to 0 to 1, halves to
        ±65504, the largest finite half.

        :raises CheckFailed: NaN or infinity, which integers cannot hold.
        """
        return self._with_main(self.main_part.with_planes(self._colour_planes(rgb)))

    def upsampled(self, rgb: NDArray[Any], factor: int) -> Picture:
        """The picture ``factor`` times as large, with ``rgb`` (of the new size) as its colours.

        ``rgb`` is float32, or float16 if :attr:`depth` is half.

        Alpha and light layers are upsampled with :func:`bridge_gateway.arrays.upsample_plane`,
        data layers (depth, ids, normals, vectors) by repeating pixels. Windows grow by the same
        factor; the pixel aspect stays. Motion vectors are *not* scaled, because files do not say
        whether they are in pixels: the header attribute ``shotbridge/unscaledLayers`` lists them.
        """
        main, planes = self.main_channels[0], self._colour_planes(rgb)
        # Colours that are all of a part need no copy.
        is_whole = tuple(planes) == tuple(range(len(self.main_part.channels)))
        is_stored = rgb.dtype == self.main_part.pixels.dtype
        parts = (
            _upsample_part(
                part,
                factor,
                planes if index == main else {},
                rgb if index == main and is_whole and is_stored else None,
            )
            for index, part in enumerate(self.parts)
        )
        return replace(self, parts=tuple(parts))

    def with_matte(self, matte: FloatArray) -> Picture:
        """The picture with ``matte`` (height, width; 0 to 1) as the main layer's alpha.

        An existing alpha is kept as ``plate.A``.
        """
        part, layer = self.main_part, self._main_layer
        names, index = list(part.channels), self._alpha_index()
        if index is not None:
            names[index] = _unused_alpha_name(names, layer)
        kind = part.sample_types[self.main_channels[1][0]]
        plane = from_float(matte, kind, part.bits)[..., None]
        joined = np.concatenate([part.pixels, plane.astype(part.pixels.dtype)], axis=-1)
        name = f"{layer}.A" if layer else "A"
        types = (*part.sample_types, kind)
        part = replace(part, channels=(*names, name), pixels=joined, sample_types=types)
        return self._with_main(part.without_preview())

    def fit_to_display(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels of the data window (height, width, ...) placed in the display window.

        Pixels outside the display window are cropped; the rest of it is black.

        :raises UnreadableMedia: the display window is too large.
        """
        data, display = self.main_part.data_window, self.display_window
        if data == display:
            return pixels
        if display.width * display.height > MAX_PIXELS:
            raise UnreadableMedia(
                f"the display window of {display.width}x{display.height} is too large",
                where=self.where,
                next_step=f"crop it to at most {MAX_PIXELS} pixels",
            )
        framed = np.zeros((display.height, display.width, *pixels.shape[2:]), pixels.dtype)
        left, top = data.x - display.x, data.y - display.y
        x0, x1 = max(left, 0), min(left + data.width, display.width)
        y0, y1 = max(top, 0), min(top + data.height, display.height)
        if x0 < x1 and y0 < y1:
            framed[y0:y1, x0:x1] = pixels[y0 - top : y1 - top, x0 - left : x1 - left]
        return framed

    def _alpha_index(self) -> int | None:
        return channel_roles.find_alpha(self.main_part.channels, self._main_layer)

    @property
    def _main_layer(self) -> str:
        return channel_roles.split_channel(self.main_part.channels[self.main_channels[1][0]])[0]

    def _colour_planes(self, rgb: NDArray[Any]) -> dict[int, NDArray[Any]]:
        three = self.main_channels[1]
        if three[0] == three[1]:
            return {three[0]: rgb.mean(axis=-1, dtype=np.float32)}
        return {index: rgb[..., i] for i, index in enumerate(three)}

    def _with_main(self, part: PicturePart) -> Picture:
        index = self.main_channels[0]
        return replace(self, parts=(*self.parts[:index], part, *self.parts[index + 1 :]))


def make_picture(
    channels: Mapping[str, NDArray[np.float32]], *, like: Picture, depth: str | None = None
) -> Picture:
    """A new one-part picture with the windows, pixel aspect, timecode and metadata of ``like``.

    ``channels`` are planes (height, width) of ``like``'s size, such as ``{"Y": matte}``; ``depth``
    is ``half``, ``float``, ``uint8`` or ``uint16``; None for that of ``like``.
    """
    main = like.main_part
    kind = depth or main.sample_types[0]
    spec = main.header.copy()
    bits = main.bits if kind == main.sample_types[0] else np.dtype(SAMPLE_DTYPES[kind]).itemsize * 8
    spec.attribute("oiio:BitsPerSample", bits)
    planes = [from_float(plane, kind, bits) for plane in channels.values()]
    pixels = np.stack(planes, axis=-1)
    part, names, types = main.without_preview(), tuple(channels), (kind,) * len(channels)
    part = replace(part, channels=names, pixels=pixels, sample_types=types, header=spec)
    return replace(like, parts=(part,))


def to_exr(picture: Picture) -> Picture:
    """The picture with sample types of OpenEXR.

    Integers become 0 to 1: as half up to 10 bits, which its 11 bits of precision keep distinct,
    otherwise as float. Half, float and uint stay unchanged.
    """
    return replace(
        picture, parts=tuple(_part_to_exr(part) for part in picture.parts), file_format="openexr"
    )


def _part_to_exr(part: PicturePart) -> PicturePart:
    if set(part.sample_types) <= {"half", "float", "uint"} and part.bits > 10:
        return part
    kind = "half" if part.bits <= 10 else "float"
    planes = [from_float(part.plane(i), kind, 16) for i in range(len(part.channels))]
    spec = part.header.copy()
    # An ICC profile or gamma describes the samples of the other format.
    for name in ("oiio:BitsPerSample", "compression", "ICCProfile", "oiio:Gamma"):
        spec.erase_attribute(name)
    names = tuple("Y" if name == "I" else name for name in part.channels)
    pixels, types = np.stack(planes, axis=-1), (kind,) * len(planes)
    return replace(part, channels=names, pixels=pixels, sample_types=types, header=spec)


def _upsample_part(
    part: PicturePart,
    factor: int,
    planes: Mapping[int, NDArray[Any]],
    whole: NDArray[Any] | None,
) -> PicturePart:
    """All channels ``factor`` times as large, those in ``planes`` with these values; or all of them
    from ``whole``."""
    height, width = part.pixels.shape[:2]
    shape = (height * factor, width * factor, len(part.channels))
    pixels = np.empty(shape, part.pixels.dtype) if whole is None else whole
    unscaled = set()
    for index, channel in enumerate(part.channels if whole is None else ()):
        kind = part.sample_types[index]
        if index in planes:
            plane = planes[index]
            is_final = plane.dtype == np.float16 and kind == "half"
            pixels[..., index] = plane if is_final else from_float(plane, kind, part.bits)
            continue
        if kind == "uint" or channel_roles.is_data_channel(channel, part.name):
            pixels[..., index] = repeat_pixels(part.pixels[..., index], factor)
        else:
            pixels[..., index] = from_float(
                upsample_plane(part.plane(index), factor), kind, part.bits
            )
        if channel_roles.is_motion_channel(channel, part.name):
            unscaled.add(channel_roles.split_channel(channel)[0] or part.name)
    spec = part.header.copy()
    spec.x, spec.y, spec.width, spec.height = (value * factor for value in part.data_window)
    spec.full_x, spec.full_y = spec.full_x * factor, spec.full_y * factor
    spec.full_width, spec.full_height = spec.full_width * factor, spec.full_height * factor
    if unscaled:
        spec.attribute(UNSCALED_LAYERS_ATTRIBUTE, ", ".join(sorted(unscaled)))
    return replace(part.without_preview(), pixels=pixels, header=spec)


def _unused_alpha_name(names: Sequence[str], layer: str) -> str:
    suffix = f".{layer}.A" if layer else ".A"
    number = 1
    while (name := f"plate{number if number > 1 else ''}{suffix}") in names:
        number += 1
    return name
