"""Reads pictures with OpenImageIO: OpenEXR, DPX, TIFF, PNG and JPEG.

Headers are checked against limits before pixels are read. What OpenImageIO guesses, hides or
converts is corrected here; ``docs/decisions/0005-pixels-and-colour.md`` has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from bridge_core.errors import UnreadableMedia
from bridge_gateway.media import exr_header_patch, jpeg
from bridge_gateway.media.formats import PICTURE_FORMAT_BY_MAGIC, PICTURE_FORMAT_NAMES
from bridge_gateway.media.picture import MAX_PIXELS, Picture, PicturePart
from bridge_gateway.media.picture_samples import SAMPLE_DTYPES

#: In a file; 16384 x 16384 with 8 channels. A header that claims more would fill the memory.
_MAX_SAMPLES = 1 << 31
_MAX_PARTS = 1000
_TOO_LARGE_STEP = (
    f"crop it or make it smaller: at most {MAX_PIXELS} pixels (16384x16384) and {_MAX_SAMPLES} "
    "samples can be read"
)
#: OpenImageIO's names for TIFF colours that it converts to RGB on reading, with a loss.
_NON_RGB_COLOUR_SPACES = frozenset({"CMYK", "color separated", "CIELAB", "ICCLAB", "ITULAB"})
#: Orientations (EXIF) above this one are rotated by 90 degrees.
_MAX_UPRIGHT_ORIENTATION = 4
#: Components of a CMYK JPEG.
_CMYK_COMPONENTS = 4
#: XMP attributes of a gain map.
_GAIN_MAP_ATTRIBUTES = ("hdrgm:", "Container:", "GContainer:", "Item:", "rdf:parseType")
_PNG_END = b"IEND\xaeB`\x82"


class PictureHeader(NamedTuple):
    """What a picture's headers say."""

    width: int
    """Of the display window, in pixels."""
    height: int
    channels: tuple[str, ...]
    """Of all parts."""


def read_picture(path: Path) -> Picture:
    """The whole picture in ``path``, at native depth.

    Alpha stays as in the file: associated in OpenEXR, unassociated in PNG. ``Picture.notes`` lists
    what is not read (a TIFF's pages of another size, a JPEG's gain map).

    :raises UnreadableMedia: missing, not permitted, not one of these formats, truncated, damaged,
        deep, not RGB, or too large.
    """
    with _open_file(path) as file:
        specs, notes = _read_headers(file)
        parts = []
        for index, spec in enumerate(specs):
            if not file.source.seek_subimage(index, 0):
                raise _unreadable_error(path, _library_error(file.source))
            try:
                parts.append(_read_part(file.source, index, spec, path, (0, spec.nchannels)))
            except MemoryError:
                size = f"{spec.width}x{spec.height} with {spec.nchannels} channels"
                raise _unreadable_error(path, f"{size} need more memory than there is") from None
        if file.kind == "openexr":
            parts = _with_attributes(parts, path)
    if file.kind == "png":
        _check_png_end(path)
    notes = (*file.notes, *notes)
    return Picture(parts=tuple(parts), file_format=file.kind, where=str(path), notes=notes)


def read_for_proxy(path: Path) -> Picture:
    """What a proxy needs of the picture in ``path``. Of an OpenEXR file only the main layer's R, G
    and B are read, because all layers of a large file take minutes. Not meant to be written.

    :raises UnreadableMedia: as :func:`read_picture`, except for damage in what is not read.
    """
    with _open_file(path) as file:
        if file.kind == "openexr":
            specs, notes = _read_headers(file)
            headers = tuple(_part_without_pixels(spec) for spec in specs)
            index, rgb = Picture(headers, file.kind, str(path)).main_channels
            first = min(rgb)
            part = _read_part(file.source, index, specs[index], path, (first, max(rgb) + 1))
            rgb_positions = [channel - first for channel in dict.fromkeys(rgb)]
            part = replace(
                part,
                channels=tuple(part.channels[index] for index in rgb_positions),
                sample_types=tuple(part.sample_types[index] for index in rgb_positions),
                pixels=part.pixels[..., rgb_positions],
            )
            return Picture((part,), file.kind, str(path), notes)
    return read_picture(path)


def read_picture_header(path: Path) -> Picture:
    """The picture in ``path`` without its pixels, whose arrays are empty.

    :raises UnreadableMedia: as :func:`read_picture`, except for damage in the pixels.
    """
    with _open_file(path) as file:
        specs, notes = _read_headers(file)
    parts = tuple(_part_without_pixels(spec) for spec in specs)
    return Picture(parts, file.kind, str(path), (*file.notes, *notes))


def check_picture_header(path: Path) -> PictureHeader:
    """Check the headers in ``path`` without reading pixels, and return what they say.

    :raises UnreadableMedia: as :func:`read_picture`, except for damage in the pixels.
    """
    with _open_file(path) as file:
        specs, _ = _read_headers(file)
    channels = tuple(name for spec in specs for name in spec.channelnames)
    return PictureHeader(specs[0].full_width, specs[0].full_height, channels)


def _detect_format(path: Path) -> tuple[bytes, str]:
    """A file's first four bytes, and the format that they identify."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise _unreadable_error(path, error.strerror or str(error)) from error
    for magic, kind in PICTURE_FORMAT_BY_MAGIC.items():
        if head.startswith(magic):
            return head, kind
    reason = f"it is not an {PICTURE_FORMAT_NAMES} file" if head else "it is empty"
    raise _unreadable_error(path, reason)


@dataclass(frozen=True)
class _OpenPicture:
    """A file that OpenImageIO has opened."""

    path: Path
    kind: str
    source: Any
    magic: bytes
    notes: tuple[str, ...] = ()


@contextmanager
def _open_file(path: Path) -> Iterator[_OpenPicture]:
    """:raises UnreadableMedia: missing, not permitted, or not one of these formats."""
    magic, kind = _detect_format(path)
    with ExitStack() as stack:
        source = _open_input(path)
        stack.callback(source.close)
        notes: tuple[str, ...] = ()
        if kind == "jpeg":
            if jpeg.count_components(path.read_bytes()) == _CMYK_COMPONENTS:
                raise _not_rgb_error(path, "CMYK")
            if str(source.spec().format) != "uint8":
                # OpenImageIO has applied a gain map: the pixels are linear light, unexpectedly.
                source = _open_input(stack.enter_context(_base_picture(path)))
                stack.callback(source.close)
                notes = ("its gain map was ignored: the picture is the one without it",)
        yield _OpenPicture(path, kind, source, magic, notes)


def _open_input(path: Path) -> Any:
    import OpenImageIO as oiio

    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # multiplying would lose values
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise _unreadable_error(path, _library_error(oiio))
    return source


def _read_headers(file: _OpenPicture) -> tuple[list[Any], tuple[str, ...]]:
    """The header of each part, and notes on what is not read.

    :raises UnreadableMedia: a header exceeds the limits or is not supported.
    """
    specs: list[Any] = []
    skipped = 0
    while file.source.seek_subimage(len(specs) + skipped, 0):
        spec = file.source.spec()
        if file.kind == "tiff" and specs and _size(spec) != _size(specs[0]):
            skipped += 1  # such a page is another picture
        elif skipped:
            raise _unreadable_error(
                file.path, "its pages of the same size do not follow one another"
            )
        else:
            _check_header(spec, file)
            specs.append(spec)
        if len(specs) + skipped > _MAX_PARTS:
            raise _unreadable_error(file.path, f"it has more than {_MAX_PARTS} parts")
    reason = _library_error(file.source)  # of the part after the last one
    if not specs:
        raise _unreadable_error(file.path, reason)
    if sum(spec.image_pixels() * spec.nchannels for spec in specs) > _MAX_SAMPLES:
        raise _unreadable_error(file.path, "all parts together are too large", _TOO_LARGE_STEP)
    for spec in specs:
        if file.kind == "dpx":
            spec.attribute("oiio:Endian", "big" if file.magic == b"SDPX" else "little")
            if spec.get_int_attribute("Orientation") > _MAX_UPRIGHT_ORIENTATION:
                # OpenImageIO returns the size as displayed, and the pixels as stored.
                spec.width, spec.height = spec.full_width, spec.full_height
        if file.notes:
            for prefix in _GAIN_MAP_ATTRIBUTES:
                spec.erase_attribute(f"{prefix}.*")
    return specs, tuple(_notes_on_losses(file, specs, skipped))


def _notes_on_losses(file: _OpenPicture, specs: list[Any], pages: int) -> Iterator[str]:
    """Describes what is not read, including ``pages`` of another size than the first."""
    if pages:
        noun = "page" if pages == 1 else "pages"
        yield f"ignored {pages} {noun} of another size than the first"
    shape = (specs[0].nchannels, specs[0].get_int_attribute("oiio:BitsPerSample"))
    if file.kind == "dpx" and shape == (4, 10) and specs[0].width % 3 == 1:
        # A line's last sample is in a word of its own, which OpenImageIO 3.2 does not read.
        yield "the alpha of its last column cannot be read and differs from the file"
    if any({"Y", "RY", "BY"} <= set(spec.channelnames) for spec in specs):
        yield "its colour is stored in RY and BY (luminance and chroma); only Y is used, as grey"
    if file.source.seek_subimage(0, 1):
        yield "its mipmap levels were not read"
    orientation = specs[0].get_int_attribute("Orientation", 1)
    if file.kind != "openexr" and orientation > 1:  # in OpenEXR it refers to another file
        yield f"viewers rotate or mirror it (EXIF orientation {orientation}); it is sent as stored"


def _size(spec: Any) -> tuple[int, ...]:
    return (spec.width, spec.height, spec.full_width, spec.full_height)


def _check_header(spec: Any, file: _OpenPicture) -> None:
    path = file.path
    if spec.deep:
        raise UnreadableMedia(
            "deep pictures have several samples per pixel and are not supported",
            where=str(path),
            next_step="flatten it (DeepToImage in Nuke) and send that",
        )
    colour_space = spec.get_string_attribute("tiff:ColorSpace")
    if colour_space in _NON_RGB_COLOUR_SPACES:
        raise _not_rgb_error(path, colour_space)
    for what, width, height in (
        ("picture", spec.width, spec.height),
        ("display window", spec.full_width, spec.full_height),
    ):
        if width * height > MAX_PIXELS:
            raise _unreadable_error(
                path, f"its {what} of {width}x{height} is too large", _TOO_LARGE_STEP
            )
    if spec.image_pixels() * spec.nchannels > _MAX_SAMPLES:
        reason = f"{spec.width}x{spec.height} with {spec.nchannels} channels is too large"
        raise _unreadable_error(path, reason, _TOO_LARGE_STEP)
    for name in (*spec.channelnames, spec.get_string_attribute("oiio:subimagename")):
        if not _is_utf8(name):
            raise _unreadable_error(path, f"the name {name!a} of a channel or part is not UTF-8")
    # 32-bit integers are data such as ids in OpenEXR, and light in TIFF, which is not supported.
    known = set(SAMPLE_DTYPES) if file.kind == "openexr" else set(SAMPLE_DTYPES) - {"uint"}
    unsupported = sorted(set(_sample_types(spec)) - known)
    if unsupported:
        raise _unreadable_error(path, f"samples of type {', '.join(unsupported)} are not supported")


def _sample_types(spec: Any) -> list[str]:
    return [str(kind) for kind in spec.channelformats] or [str(spec.format)] * spec.nchannels


def _is_utf8(name: str) -> bool:
    """False if the name has bytes that are not UTF-8, which OpenImageIO returns unchanged."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _part_without_pixels(spec: Any) -> PicturePart:
    name = spec.get_string_attribute("oiio:subimagename")
    return PicturePart(
        name, tuple(spec.channelnames), np.empty((0, 0, 0)), tuple(_sample_types(spec)), spec
    )


def _read_part(
    source: Any, index: int, spec: Any, path: Path, channels: tuple[int, int]
) -> PicturePart:
    """A part with its ``channels``, a half-open range."""
    start, stop = channels
    kinds = _sample_types(spec)[start:stop]
    blocks = []
    for first, end in _sample_type_runs(kinds):
        block = source.read_image(index, 0, start + first, start + end, kinds[first])
        if block is None:
            raise _unreadable_error(path, _library_error(source))
        blocks.append(block)
    # Some readers return part of a truncated file and report that only here.
    reason = _library_error(source)
    if reason:
        raise _unreadable_error(path, reason)
    # A single type needs no copy; the result type holds half, float and uint exactly.
    kind = np.result_type(*blocks)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        pixels = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-1, dtype=kind)
    pixels = pixels.reshape(spec.height, spec.width, len(kinds))
    names = tuple(spec.channelnames)[start:stop]
    return replace(
        _part_without_pixels(spec), channels=names, pixels=pixels, sample_types=tuple(kinds)
    )


def _with_attributes(parts: list[PicturePart], path: Path) -> list[PicturePart]:
    try:
        pairs = list(zip(parts, exr_header_patch.read_attributes(path), strict=True))
    except ValueError as error:
        raise _unreadable_error(path, str(error)) from error
    return [replace(part, attributes=attributes) for part, attributes in pairs]


@contextmanager
def _base_picture(path: Path) -> Iterator[Path]:
    """A copy of a JPEG's first picture, without the gain map that follows it."""
    with TemporaryDirectory(prefix="shotbridge-") as folder:
        base = Path(folder) / path.with_suffix(".jpg").name
        base.write_bytes(jpeg.first_picture(path.read_bytes()))
        yield base


def _sample_type_runs(kinds: list[str]) -> list[tuple[int, int]]:
    """Half-open ranges of neighbouring channels of one type."""
    cuts = [index for index in range(1, len(kinds)) if kinds[index] != kinds[index - 1]]
    return list(zip([0, *cuts], [*cuts, len(kinds)], strict=True))


def _check_png_end(path: Path) -> None:
    """libpng ignores a missing end after the last pixel; such a file is truncated all the same."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        if _PNG_END not in file.read():
            raise _unreadable_error(path, "its end is missing")


def _library_error(library: Any) -> str:
    """The error of OpenImageIO or of one of its readers; empty if there is none."""
    try:
        return str(library.geterror())
    except UnicodeDecodeError:
        return "it has damaged text"  # which the message quotes


def _unreadable_error(
    path: Path,
    reason: str,
    next_step: str = "render or copy this file again, then send it again",
) -> UnreadableMedia:
    # A library's message may quote any bytes of the file.
    reason = " ".join(reason.encode(errors="backslashreplace").decode().split())
    return UnreadableMedia(
        f"{path.name} cannot be read: {reason or 'no reason given'}",
        where=str(path),
        next_step=next_step,
    )


def _not_rgb_error(path: Path, colour_space: str) -> UnreadableMedia:
    return _unreadable_error(
        path,
        f"its pixels are {colour_space}, not red, green and blue",
        "convert it to RGB with its own profile, then send that",
    )
