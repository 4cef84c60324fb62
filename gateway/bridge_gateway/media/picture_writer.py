"""Pictures as files: OpenEXR, DPX, TIFF, PNG and JPEG, by OpenImageIO.

What is read is what is written: native depth, all parts, channels, windows, metadata and the
compression. ``docs/decisions/0005-pixels-and-colour.md`` lists what formats cannot carry.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import InvalidRequest, StorageError
from bridge_gateway.media import exr_header
from bridge_gateway.media.picture import (
    SAMPLE_DTYPES,
    Picture,
    PicturePart,
    PixelWindow,
    from_float,
)
from bridge_gateway.media.picture_reader import check_picture_header, read_for_proxy, read_picture
from bridge_gateway.storage import atomic_files

__all__ = [
    "FORMAT_BY_SUFFIX",
    "Picture",
    "PicturePart",
    "PixelWindow",
    "check_picture_header",
    "make_picture",
    "read_for_proxy",
    "read_picture",
    "to_exr",
    "write_picture",
]

FORMAT_BY_SUFFIX = {
    ".exr": "openexr",
    ".sxr": "openexr",
    ".dpx": "dpx",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
#: Channels that a file of this format can have; more need OpenEXR.
_MAX_CHANNELS = {"dpx": 4, "png": 4, "jpeg": 3}
#: OpenImageIO writes EXIF's number less one into a DPX, and reads the number that ST 268 means.
_DPX_ORIENTATIONS = {3: 4, 4: 3, 7: 8, 8: 7}
_SAMPLE_TYPES = {
    "openexr": {"half", "float", "uint"},
    "dpx": {"uint8", "uint16"},
    "tiff": set(SAMPLE_DTYPES),
    "png": {"uint8", "uint16"},
    "jpeg": {"uint8"},
}
#: OpenImageIO 3.2 says this of every TIFF that it closes.
_IGNORED_TIFF_ERROR = "failed TIFFWriteCustomDirectory() of the Exif data"


def write_picture(path: Path, picture: Picture, *, compression: str | None = None) -> None:
    """Write ``picture`` to ``path``, whole or not at all.

    The ending decides the format. ``compression`` is a name of OpenImageIO such as ``zip``,
    ``piz``, ``dwaa:45`` or ``jpeg:95``; None keeps each part's own. A lossy one (DWAA, DWAB, B44,
    PXR24, JPEG) loses a little again.

    :raises InvalidRequest: the format cannot hold these channels or samples.
    :raises DiskFull, NotWritable, StorageError: and nothing stands under ``path`` that was not
        there before.
    """
    kind = FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise InvalidRequest(
            f"{path.suffix or 'a name without ending'} is no format for pictures",
            where=str(path),
            next_step=f"use one of {', '.join(FORMAT_BY_SUFFIX)}",
        )
    _require_supported(kind, picture, path)
    specs = [_spec_to_write(part, kind, compression) for part in picture.parts]
    if len({(spec.tile_width, spec.tile_height) for spec in specs}) > 1:
        # OpenImageIO 3.2 crashes on a file of parts with tiles and parts without.
        for spec in specs:
            spec.tile_width = spec.tile_height = spec.tile_depth = 0
    arrays = [_array_to_write(part, spec) for part, spec in zip(picture.parts, specs, strict=True)]
    with atomic_files.atomic_write(path) as partial:
        if kind == "jpeg":
            # libjpeg answers a failed write by ending the process; so find out before it does.
            _reserve_space(partial, arrays[0].nbytes)
        reason = _encode(partial, kind, specs, arrays)
        if reason:
            cause = atomic_files.find_write_error(partial)
            if cause is not None:
                raise cause
            raise StorageError(
                f"{path.name} cannot be written: {reason}",
                where=str(path),
                next_step="check the disk; if it is fine, report this picture",
            )
        if kind == "openexr":
            exr_header.retype_as_uint(partial, [_uint_channels(part) for part in picture.parts])
            exr_header.restore_attributes(partial, [part.attributes for part in picture.parts])


def make_picture(
    channels: Mapping[str, NDArray[np.float32]], *, like: Picture, depth: str | None = None
) -> Picture:
    """A new one-part picture with windows, pixel aspect, timecode and metadata of another.

    ``channels`` are planes (height, width) of ``like``'s size, such as ``{"Y": matte}``; ``depth``
    is ``half``, ``float``, ``uint8`` or ``uint16``, None that of ``like``.
    """
    main = like.main_part
    kind = depth or main.sample_types[0]
    spec = main.header.copy()
    bits = main.bits if kind == main.sample_types[0] else np.dtype(SAMPLE_DTYPES[kind]).itemsize * 8
    spec.attribute("oiio:BitsPerSample", bits)
    pixels = np.stack([from_float(p, kind, bits) for p in channels.values()], axis=-1)
    part = PicturePart(
        main.name,
        tuple(channels),
        pixels,
        (kind,) * len(channels),
        spec,
        main.without_preview().attributes,
    )
    return replace(like, parts=(part,))


def to_exr(picture: Picture) -> Picture:
    """The picture with samples that OpenEXR holds.

    Integers become 0 to 1: half up to 10 bits, which half's 11 bits of precision tell apart, and
    float above. Half, float and uint stay what they are.
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
    # An ICC profile or a gamma would describe the samples as they were in the other format.
    for name in ("oiio:BitsPerSample", "compression", "ICCProfile", "oiio:Gamma"):
        spec.erase_attribute(name)
    names = tuple("Y" if name == "I" else name for name in part.channels)
    return replace(
        part,
        channels=names,
        pixels=np.stack(planes, axis=-1),
        sample_types=(kind,) * len(planes),
        header=spec,
    )


def _require_supported(kind: str, picture: Picture, path: Path) -> None:
    most = _MAX_CHANNELS.get(kind)
    for part in picture.parts:
        kinds = set(part.sample_types)
        unsupported = ""
        if most is not None and len(part.channels) > most:
            unsupported = f"{len(part.channels)} channels ({', '.join(part.channels)})"
        elif not kinds <= _SAMPLE_TYPES[kind]:
            unsupported = f"samples of type {', '.join(sorted(kinds - _SAMPLE_TYPES[kind]))}"
        elif len(kinds) > 1 and kind != "openexr":
            unsupported = "channels of different types"
        if unsupported:
            raise InvalidRequest(
                f"a {path.suffix} file cannot hold {unsupported}",
                where=str(path),
                next_step="write OpenEXR instead (delivery: exr)",
            )
    if kind not in ("openexr", "tiff") and len(picture.parts) > 1:
        raise InvalidRequest(
            f"a {path.suffix} file cannot hold {len(picture.parts)} parts",
            where=str(path),
            next_step="write OpenEXR instead (delivery: exr)",
        )


def _spec_to_write(part: PicturePart, kind: str, compression: str | None) -> Any:
    spec = part.header.copy()
    spec.width, spec.height = part.pixels.shape[1], part.pixels.shape[0]
    spec.nchannels = len(part.channels)
    spec.channelnames = part.channels
    spec.alpha_channel = next((i for i, c in enumerate(part.channels) if c == "A"), -1)
    spec.z_channel = -1
    if compression is not None:
        spec.attribute("compression", compression)
    if part.name:
        spec.attribute("oiio:subimagename", part.name)
    if spec.getattribute("DateTime") is None:
        # Else OpenImageIO writes the time of writing as the time of capture.
        spec.attribute("DateTime", "")
    written = ["float" if f == "uint" and _has_mixed_types(part) else f for f in part.sample_types]
    spec.set_format(written[0])
    spec.channelformats = tuple(written) if len(set(written)) > 1 else ()
    if kind == "dpx":
        orientation = spec.get_int_attribute("Orientation", 1)
        spec.attribute("Orientation", _DPX_ORIENTATIONS.get(orientation, orientation))
    if kind == "openexr":
        exr_header.prepare_spec(spec, has_uint_as_float=bool(_uint_channels(part)))
    return spec


def _array_to_write(part: PicturePart, spec: Any) -> NDArray[Any]:
    if not _has_mixed_types(part):
        return np.ascontiguousarray(part.pixels, SAMPLE_DTYPES[part.sample_types[0]])
    # One call takes one type: float32 holds half exactly, and the bits of a uint as they are.
    array = np.empty(part.pixels.shape, np.float32)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        for index, kind in enumerate(part.sample_types):
            plane = part.pixels[..., index]
            if kind == "uint":
                array.view(np.uint32)[..., index] = plane.astype(np.uint32)
            else:
                array[..., index] = plane
    return array


def _has_mixed_types(part: PicturePart) -> bool:
    return len(set(part.sample_types)) > 1


def _uint_channels(part: PicturePart) -> list[str]:
    """Channels that were written as float but hold the bits of a uint."""
    if not _has_mixed_types(part):
        return []
    return [c for c, kind in zip(part.channels, part.sample_types, strict=True) if kind == "uint"]


def _encode(path: Path, kind: str, specs: list[Any], arrays: list[NDArray[Any]]) -> str:
    """Write the file; what the library complains about, empty when all went well."""
    import OpenImageIO as oiio

    oiio.attribute("tiff:half", 1)  # else half becomes float in TIFF
    out = oiio.ImageOutput.create(kind)
    if out is None:
        return str(oiio.geterror())
    opened = out.open(str(path), specs[0] if len(specs) == 1 or kind == "tiff" else tuple(specs))
    done = opened
    for index, array in enumerate(arrays):
        if done and index:
            done = out.open(str(path), specs[index], "AppendSubimage")
        done = done and out.write_image(array)
    # The PNG writer says yes and mentions a full disk in its error text only.
    reason = out.geterror()
    closed = out.close() if opened else False
    reason = (reason + out.geterror()).replace(_IGNORED_TIFF_ERROR, "").strip()
    if done and closed and not reason and kind == "tiff":
        reason = _tiff_directory_error(path)
    return reason if done and closed else reason or "the library gave no reason"


def _tiff_directory_error(path: Path) -> str:
    """libtiff's directory comes last, and closing does not tell whether it could be written."""
    import OpenImageIO as oiio

    source = oiio.ImageInput.open(str(path))
    if source is None:
        return str(oiio.geterror()) or "its directory is missing"
    source.close()
    return ""


def _reserve_space(path: Path, size: int) -> None:
    """Find out whether ``size`` bytes can be written; the file is overwritten afterwards.

    :raises OSError: they cannot.
    """
    with path.open("wb", buffering=0) as file:
        remaining = size + (1 << 16)  # tables, EXIF and colour profile
        while remaining > 0:
            remaining -= file.write(bytes(min(remaining, 1 << 20)))
        os.fsync(file.fileno())
