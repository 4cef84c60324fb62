"""Writes pictures with OpenImageIO: OpenEXR, DPX, TIFF, PNG and JPEG.

Everything that was read is written: native depth, all parts, channels, windows, metadata and the
compression. ``docs/decisions/0005-pixels-and-colour.md`` lists what formats cannot hold.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import InvalidRequest, StorageError
from bridge_core.system import files
from bridge_gateway.media import exr_header_patch
from bridge_gateway.media.formats import PICTURE_FORMAT_BY_SUFFIX
from bridge_gateway.media.picture import Picture, PicturePart
from bridge_gateway.media.picture_samples import SAMPLE_DTYPES

#: Channels and types of sample that a file of each format can hold; others need OpenEXR.
_MAX_CHANNELS = {"dpx": 4, "png": 4, "jpeg": 3}
_SAMPLE_TYPES = {
    "openexr": {"half", "float", "uint"},
    "dpx": {"uint8", "uint16"},
    "tiff": set(SAMPLE_DTYPES),
    "png": {"uint8", "uint16"},
    "jpeg": {"uint8"},
}
#: OpenImageIO writes EXIF's number minus one into a DPX, but reads by the numbers of ST 268.
_DPX_ORIENTATIONS = {3: 4, 4: 3, 7: 8, 8: 7}
#: OpenImageIO 3.2 reports this for every TIFF that it closes.
_IGNORED_TIFF_ERROR = "failed TIFFWriteCustomDirectory() of the Exif data"


def write_picture(path: Path, picture: Picture, *, compression: str | None = None) -> None:
    """Write ``picture`` to ``path``, whole or not at all.

    The suffix decides the format. ``compression`` is an OpenImageIO name such as ``zip``, ``piz``,
    ``dwaa:45`` or ``jpeg:95``; None keeps each part's own. Lossy ones (DWAA, DWAB, B44, PXR24,
    JPEG) lose quality again.

    :raises InvalidRequest: the format cannot hold these channels or samples.
    :raises DiskFull, NotWritable, StorageError: ``path`` is left as it was before.
    """
    kind = PICTURE_FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise InvalidRequest(
            f"{path.suffix or 'a name without suffix'} is not a supported picture format",
            where=str(path),
            next_step=f"use one of {', '.join(PICTURE_FORMAT_BY_SUFFIX)}",
        )
    unsupported = _find_unsupported(kind, picture)
    if unsupported:
        raise InvalidRequest(
            f"a {path.suffix} file cannot hold {unsupported}",
            where=str(path),
            next_step="choose the output format OpenEXR (output_format: exr)",
        )
    specs = [_spec_to_write(part, kind, compression) for part in picture.parts]
    if len({(spec.tile_width, spec.tile_height) for spec in specs}) > 1:
        # OpenImageIO 3.2 crashes on a file of parts with tiles and parts without.
        for spec in specs:
            spec.tile_width = spec.tile_height = spec.tile_depth = 0
    arrays = [_array_to_write(part, spec) for part, spec in zip(picture.parts, specs, strict=True)]
    with files.atomic_write(path) as partial:
        if kind == "jpeg":
            # libjpeg ends the process if a write fails, so check beforehand.
            _reserve_space(partial, arrays[0].nbytes)
        reason = _encode(partial, kind, specs, arrays)
        if reason:
            cause = files.find_write_error(partial)
            if cause is not None:
                raise cause
            raise StorageError(
                f"{path.name} cannot be written: {reason}",
                where=str(path),
                next_step="check the disk; if it is fine, report this picture",
            )
        if kind == "openexr":
            exr_header_patch.retype_as_uint(
                partial, [_uint_channels(part) for part in picture.parts]
            )
            exr_header_patch.restore_attributes(
                partial, [part.attributes for part in picture.parts]
            )


def _find_unsupported(kind: str, picture: Picture) -> str:
    """What a file of this format cannot hold of the picture; empty if it can hold all."""
    for part in picture.parts:
        sample_types, count = set(part.sample_types), len(part.channels)
        if count > _MAX_CHANNELS.get(kind, count):
            return f"{count} channels ({', '.join(part.channels)})"
        if not sample_types <= _SAMPLE_TYPES[kind]:
            return f"samples of type {', '.join(sorted(sample_types - _SAMPLE_TYPES[kind]))}"
        if len(sample_types) > 1 and kind != "openexr":
            return "channels of different types"
    if kind not in ("openexr", "tiff") and len(picture.parts) > 1:
        return f"{len(picture.parts)} parts"
    return ""


def _spec_to_write(part: PicturePart, kind: str, compression: str | None) -> Any:
    spec = part.header.copy()
    spec.width, spec.height = part.pixels.shape[1], part.pixels.shape[0]
    spec.nchannels = len(part.channels)
    spec.channelnames = part.channels
    spec.alpha_channel = part.channels.index("A") if "A" in part.channels else -1
    spec.z_channel = -1
    if compression is not None:
        spec.attribute("compression", compression)
    if part.name:
        spec.attribute("oiio:subimagename", part.name)
    if spec.getattribute("DateTime") is None:
        # Otherwise OpenImageIO stores the time of writing as the time of capture.
        spec.attribute("DateTime", "")
    is_mixed = _has_mixed_types(part)
    sample_types = ["float" if is_mixed and name == "uint" else name for name in part.sample_types]
    spec.set_format(sample_types[0])
    spec.channelformats = tuple(sample_types) if len(set(sample_types)) > 1 else ()
    if kind == "dpx":
        orientation = spec.get_int_attribute("Orientation", 1)
        spec.attribute("Orientation", _DPX_ORIENTATIONS.get(orientation, orientation))
    if kind == "openexr":
        exr_header_patch.prepare_spec(spec, has_uint_as_float=bool(_uint_channels(part)))
    return spec


def _array_to_write(part: PicturePart, spec: Any) -> NDArray[Any]:
    if not _has_mixed_types(part):
        return np.ascontiguousarray(part.pixels, SAMPLE_DTYPES[part.sample_types[0]])
    # A call takes a single type: float32 holds half exactly, and the bits of a uint unchanged.
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
    """Channels that are written as float but hold the bits of a uint."""
    if not _has_mixed_types(part):
        return []
    channels = zip(part.channels, part.sample_types, strict=True)
    return [channel for channel, sample_type in channels if sample_type == "uint"]


def _encode(path: Path, kind: str, specs: list[Any], arrays: list[NDArray[Any]]) -> str:
    """Write the file; the library's error, or empty on success."""
    import OpenImageIO as oiio

    oiio.attribute("tiff:half", 1)  # otherwise half becomes float in TIFF
    out = oiio.ImageOutput.create(kind)
    if out is None:
        return str(oiio.geterror())
    opened = out.open(str(path), specs[0] if len(specs) == 1 or kind == "tiff" else tuple(specs))
    done = opened
    for index, array in enumerate(arrays):
        if done and index:
            done = out.open(str(path), specs[index], "AppendSubimage")
        done = done and out.write_image(array)
    # The PNG writer returns success and reports a full disk in its error text only.
    reason = out.geterror()
    closed = out.close() if opened else False
    reason = (reason + out.geterror()).replace(_IGNORED_TIFF_ERROR, "").strip()
    if done and closed and not reason and kind == "tiff":
        reason = _tiff_directory_error(path)
    return reason if done and closed else reason or "the library gave no reason"


def _tiff_directory_error(path: Path) -> str:
    """libtiff writes its directory last, and closing does not report whether that failed."""
    import OpenImageIO as oiio

    source = oiio.ImageInput.open(str(path))
    if source is None:
        return str(oiio.geterror()) or "its directory is missing"
    source.close()
    return ""


def _reserve_space(path: Path, size: int) -> None:
    """Check that ``size`` bytes can be written; the file is overwritten afterwards.

    :raises OSError: they cannot be written.
    """
    with path.open("wb", buffering=0) as file:
        remaining = size + (1 << 16)  # tables, EXIF and colour profile
        while remaining > 0:
            remaining -= file.write(bytes(min(remaining, 1 << 20)))
        os.fsync(file.fileno())
