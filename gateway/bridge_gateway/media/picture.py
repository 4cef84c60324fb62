"""A picture in memory: its parts, channels and windows, at the depth of the file it came from.

Pixels are arrays of shape (height, width, channels), top row first, covering the data window.
Reading and writing files is in :mod:`bridge_gateway.media.picture_writer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import CheckFailed, UnreadableMedia
from bridge_gateway.media import channel_roles
from bridge_gateway.media.exr_header import RawAttribute
from bridge_gateway.media.resample import upsample_plane

FloatArray = NDArray[np.float32]

#: Sample types by the name that files and ``Output.depth`` use.
SAMPLE_DTYPES: dict[str, Any] = {
    "half": np.float16,
    "float": np.float32,
    "double": np.float64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint": np.uint32,
}

#: Greatest finite half (IEEE 754 binary16).
HALF_MAX = 65504.0

#: In a window: 16384 x 16384. A header that claims more would fill the memory, and is most likely
#: damaged or made to do so.
MAX_PIXELS = 1 << 28

#: Header attribute that lists layers whose values depend on the size and were not changed with it.
UNSCALED_LAYERS_ATTRIBUTE = "shotbridge/unscaledLayers"


class PixelWindow(NamedTuple):
    """A rectangle of pixels, ``x`` to the right and ``y`` down from the display's corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class PicturePart:
    """One image of a file; all files but multi-part EXR and TIFF hold one.

    ``pixels`` have the file's own type. Where the channels of an EXR differ in type they share
    the smallest type that holds each exactly (float32, or float64 beside ``uint``), and
    ``formats`` tells what each is in the file. ``header`` is the OpenImageIO ``ImageSpec`` with
    windows, compression and metadata; it is not to be changed in place. ``attributes`` are those
    of an EXR's header as they stand in the file, for OpenImageIO does not give all of them.
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
        """The same part with these channels' values, brought to the channels' types."""
        pixels = self.pixels.copy()
        for index, plane in planes.items():
            pixels[..., index] = from_float(plane, self.sample_types[index], self.bits)
        return replace(self.without_preview(), pixels=pixels)

    def without_preview(self) -> PicturePart:
        """The part without the small picture in its header, which shows other pixels."""
        attributes = tuple(one for one in self.attributes if one.type != b"preview")
        return replace(self, attributes=attributes)


@dataclass(frozen=True, eq=False)
class Picture:
    """All that a file holds. Immutable: what changes it gives a new one.

    The main part, layer and channels are the ones that show the picture; see
    :func:`bridge_gateway.media.channel_roles.beauty`.
    """

    parts: tuple[PicturePart, ...]
    file_format: str
    """``openexr``, ``dpx``, ``tiff``, ``png``, ``jpeg``, or ``movie`` for a movie's frame."""
    where: str = ""
    """The file it was read from, for messages."""
    notes: tuple[str, ...] = ()
    """What of the file is not in the picture, in words."""

    @cached_property
    def main_channels(self) -> tuple[int, tuple[int, int, int]]:
        """Index of the main part, and of its R, G, B (three times the same for grey).

        Layers are parts in one file and channels in another; in both, one that is called as
        renderers call their beauty goes before all others.
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
            f"there is no picture among the channels {names}",
            where=self.where,
            next_step="send a plate with R, G and B, or one grey channel",
        )

    @property
    def main_part(self) -> PicturePart:
        return self.parts[self.main_channels[0]]

    @property
    def width(self) -> int:
        """Of the pixels (the main part's data window); the shape of :meth:`rgb`."""
        return int(self.main_part.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.main_part.pixels.shape[0])

    @property
    def display_window(self) -> PixelWindow:
        """The picture's format, as artists call it: the display window."""
        return self.main_part.display_window

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel divided by its height; 2.0 for a 2x anamorphic squeeze."""
        return float(self.main_part.header.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0

    @property
    def depth(self) -> str:
        """Type of the main channels' samples in words: half, float, uint8, uint10, uint16..."""
        part = self.main_part
        name = part.sample_types[self.main_channels[1][0]]
        return f"uint{part.bits}" if name in ("uint8", "uint16") else name

    @property
    def timecode(self) -> str | None:
        """SMPTE timecode in the header (``HH:MM:SS:FF``, ``;`` for drop-frame)."""
        return read_timecode(self.main_part.header)

    def rgb(self) -> FloatArray:
        """The picture as float32 (height, width, 3); grey is spread to three channels."""
        part, three = self.main_part, self.main_channels[1]
        if three == (three[0], three[0] + 1, three[0] + 2):
            colour = part.pixels[..., three[0] : three[0] + 3]
            return to_float(colour, part.sample_types[three[0]], part.bits)
        return np.stack([part.plane(index) for index in three], axis=-1)

    def alpha(self) -> FloatArray | None:
        """The main layer's alpha as float32 (height, width); None where it has none."""
        index = self._alpha_index()
        return None if index is None else self.main_part.plane(index)

    def replace_rgb(self, rgb: FloatArray) -> Picture:
        """The same picture with these colours, in its own sample type.

        A grey picture takes the mean of the three. Integers are clamped to 0 to 1; halves are
        clamped to ±65504, the greatest that they hold.

        :raises CheckFailed: NaN or infinity in a picture of integers, which have neither.
        """
        return self._with_main(self.main_part.with_planes(self._colour_planes(rgb)))

    def upsampled(self, rgb: FloatArray, factor: int) -> Picture:
        """The picture ``factor`` times as large, with ``rgb`` (of the new size) as its colours.

        Alpha and layers of light are enlarged by a Catmull-Rom filter held between its
        neighbours, data layers (depth, ids, normals, vectors) by repeating pixels. Windows grow
        by the same factor; the pixel aspect stays. Values of motion vectors are *not* scaled,
        since files do not tell whether they count pixels: the header's ``shotbridge/
        unscaledLayers`` names them.
        """
        index = self.main_channels[0]
        parts = [
            _upsample_part(part, factor, skip=set(self.main_channels[1]) if i == index else set())
            for i, part in enumerate(self.parts)
        ]
        grown = replace(self, parts=tuple(parts))
        return grown._with_main(parts[index].with_planes(self._colour_planes(rgb)))

    def with_matte(self, matte: FloatArray) -> Picture:
        """The picture with ``matte`` (height, width; 0 to 1) as the main layer's alpha.

        An alpha that is there already is kept as ``plate.A``.
        """
        part = self.main_part
        layer = channel_roles.split_channel(part.channels[self.main_channels[1][0]])[0]
        names = list(part.channels)
        index = self._alpha_index()
        if index is not None:
            names[index] = _unused_alpha_name(names, layer)
        kind = part.sample_types[self.main_channels[1][0]]
        plane = from_float(matte, kind, part.bits)[..., None]
        joined = np.concatenate([part.pixels, plane.astype(part.pixels.dtype)], axis=-1)
        name = f"{layer}.A" if layer else "A"
        return self._with_main(
            replace(
                part.without_preview(),
                channels=(*names, name),
                pixels=joined,
                sample_types=(*part.sample_types, kind),
            )
        )

    def fit_to_display(self, pixels: FloatArray) -> FloatArray:
        """Pixels of the data window (height, width, ...) placed in the display window.

        What lies outside the display is cut, where the data ends there is black.

        :raises UnreadableMedia: the display window is too large.
        """
        data, display = self.main_part.data_window, self.display_window
        if data == display:
            return pixels
        if display.width * display.height > MAX_PIXELS:
            raise UnreadableMedia(
                f"the display window of {display.width}x{display.height} is too large",
                where=self.where,
                next_step=f"at most {MAX_PIXELS} pixels can be shown",
            )
        framed = np.zeros((display.height, display.width, *pixels.shape[2:]), pixels.dtype)
        left, top = data.x - display.x, data.y - display.y
        x0, x1 = max(left, 0), min(left + data.width, display.width)
        y0, y1 = max(top, 0), min(top + data.height, display.height)
        if x0 < x1 and y0 < y1:
            framed[y0:y1, x0:x1] = pixels[y0 - top : y1 - top, x0 - left : x1 - left]
        return framed

    def _alpha_index(self) -> int | None:
        part = self.main_part
        return channel_roles.find_alpha(
            part.channels, channel_roles.split_channel(part.channels[self.main_channels[1][0]])[0]
        )

    def _colour_planes(self, rgb: FloatArray) -> dict[int, FloatArray]:
        three = self.main_channels[1]
        if three[0] == three[1]:
            return {three[0]: rgb.mean(axis=-1, dtype=np.float32)}
        return {index: rgb[..., i] for i, index in enumerate(three)}

    def _with_main(self, part: PicturePart) -> Picture:
        index = self.main_channels[0]
        return replace(self, parts=(*self.parts[:index], part, *self.parts[index + 1 :]))


def to_float(pixels: NDArray[Any], kind: str, bits: int) -> FloatArray:
    """Samples as float32: integers of 8 and 16 bits become 0 to 1, all others keep their value."""
    if kind == "uint8":
        return pixels.astype(np.float32) / np.float32(255)
    if kind == "uint16":
        # Samples of fewer bits are held with their bits repeated below (OpenImageIO's way).
        codes = pixels.astype(np.uint16) >> (16 - bits)
        return codes.astype(np.float32) / np.float32((1 << bits) - 1)
    return pixels.astype(np.float32)


def from_float(values: FloatArray, kind: str, bits: int) -> NDArray[Any]:
    """The inverse of :func:`to_float`: rounded to nearest, clamped to what the type holds.

    :raises CheckFailed: NaN or infinity where ``kind`` is an integer.
    """
    if kind == "half":
        finite = np.isfinite(values)
        return np.where(finite, np.clip(values, -HALF_MAX, HALF_MAX), values).astype(np.float16)
    if not kind.startswith("uint"):
        return values.astype(SAMPLE_DTYPES[kind])
    invalid = int(np.count_nonzero(~np.isfinite(values)))
    if invalid:
        raise CheckFailed(
            f"{invalid} values are NaN or infinite, which {kind} cannot hold",
            next_step="look at the service's result as EXR, or report this model",
        )
    if kind == "uint":
        return np.rint(values.astype(np.float64)).clip(0, 2**32 - 1).astype(np.uint32)
    if kind == "uint8":
        return np.rint(values.clip(0, 1) * np.float32(255)).astype(np.uint8)
    codes = np.rint(values.clip(0, 1) * np.float32((1 << bits) - 1)).astype(np.uint16)
    low = 16 - bits
    return (codes << low) | (codes >> (bits - low)) if low else codes


def read_timecode(header: Any) -> str | None:
    """The SMPTE timecode of an ImageSpec: OpenEXR and DPX pack it as binary-coded decimals."""
    packed = header.getattribute("smpte:TimeCode")
    if packed is None:
        return None
    word = (packed[0] if isinstance(packed, Sequence) else int(packed)) & 0xFFFFFFFF
    hours, minutes = _decode_bcd(word >> 24 & 0x3F), _decode_bcd(word >> 16 & 0x7F)
    seconds, frames = _decode_bcd(word >> 8 & 0x7F), _decode_bcd(word & 0x3F)
    mark = ";" if word & 0x40 else ":"  # bit 6: drop-frame (SMPTE ST 12-1)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{mark}{frames:02d}"


def pack_timecode(text: str) -> tuple[int, int]:
    """``HH:MM:SS:FF`` as the two words that OpenEXR stores (time and flags, user data)."""
    drop = text[-3] in ";."
    word = 0
    for field in text.replace(";", ":").replace(".", ":").split(":"):
        word = word << 8 | int(field, 16)
    return word | (0x40 if drop else 0), 0


def _decode_bcd(byte: int) -> int:
    return (byte >> 4) * 10 + (byte & 0xF)


def _upsample_part(part: PicturePart, factor: int, skip: set[int]) -> PicturePart:
    """All channels ``factor`` times as large; those in ``skip`` come with undefined values."""
    height, width = part.pixels.shape[:2]
    pixels = np.empty((height * factor, width * factor, len(part.channels)), part.pixels.dtype)
    unscaled = set()
    for index, channel in enumerate(part.channels):
        if index in skip:
            continue
        kind = part.sample_types[index]
        if kind == "uint" or channel_roles.is_data_channel(channel, part.name):
            whole = part.pixels[..., index].repeat(factor, axis=0).repeat(factor, axis=1)
            pixels[..., index] = whole
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
    ending = f".{layer}.A" if layer else ".A"
    number = 1
    while (name := f"plate{number if number > 1 else ''}{ending}") in names:
        number += 1
    return name
