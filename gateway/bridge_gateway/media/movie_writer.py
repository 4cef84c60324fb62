"""Writes movies with FFmpeg (PyAV): ProRes in MOV, H.264 and HEVC in MP4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bridge_core.errors import CheckFailed, InvalidRequest, StorageError
from bridge_core.system import files
from bridge_gateway.arrays import FloatArray
from bridge_gateway.media import yuv
from bridge_gateway.media.cicp import BT709, UNSPECIFIED, CicpCodes

REC709 = CicpCodes(BT709, BT709, BT709)

#: FFmpeg's code for video range.
_VIDEO_RANGE = 1


class MovieCodec(StrEnum):
    PRORES_422_HQ = "ProRes 422 HQ"
    PRORES_4444 = "ProRes 4444"
    H264 = "H.264"
    HEVC_10 = "HEVC 10 bits"
    HEVC_12 = "HEVC 12 bits"


class _CodecSettings(NamedTuple):
    encoder: str
    pixel_format: str
    bits: int
    subsampled: tuple[bool, bool]
    """Whether chroma has half the width, half the height."""
    suffix: str
    options: dict[str, str]
    container_tag: str | None = None
    """The codec's tag in the container, if FFmpeg's default is not played everywhere."""


#: QuickTime plays HEVC only with this tag.
_HVC1 = "hvc1"
_HEVC = {"crf": "14", "preset": "fast", "x265-params": "log-level=none"}

_SETTINGS = {
    MovieCodec.PRORES_422_HQ: _CodecSettings(
        "prores_ks", "yuv422p10le", 10, (True, False), ".mov", {"profile": "3", "vendor": "apl0"}
    ),
    MovieCodec.PRORES_4444: _CodecSettings(
        "prores_ks", "yuv444p10le", 10, (False, False), ".mov", {"profile": "4", "vendor": "apl0"}
    ),
    # CRF 16: visually lossless for review; High profile and 4:2:0 play everywhere.
    MovieCodec.H264: _CodecSettings(
        "libx264", "yuv420p", 8, (True, True), ".mp4", {"crf": "16", "preset": "medium"}
    ),
    MovieCodec.HEVC_10: _CodecSettings(
        "libx265", "yuv420p10le", 10, (True, True), ".mp4", _HEVC, _HVC1
    ),
    MovieCodec.HEVC_12: _CodecSettings(
        "libx265", "yuv420p12le", 12, (True, True), ".mp4", _HEVC, _HVC1
    ),
}


def bit_depth(codec: MovieCodec) -> int:
    """Bits per sample that the codec writes."""
    return _SETTINGS[codec].bits


def supports_size(codec: MovieCodec, width: int, height: int) -> bool:
    """Whether pictures of this size can be stored: subsampled dimensions must be even."""
    sides = zip(_SETTINGS[codec].subsampled, (width, height), strict=True)
    return not any(halved and side % 2 for halved, side in sides)


class _ColourEncoding(NamedTuple):
    """The meaning of the codes in the file."""

    tags: CicpCodes
    matrix: yuv.YuvMatrix
    pixel_aspect: Fraction


def write_movie(
    path: Path,
    pictures: Iterable[FloatArray],
    *,
    codec: MovieCodec,
    rate: Fraction,
    tags: CicpCodes = REC709,
    start_timecode: str | None = None,
    pixel_aspect: Fraction = Fraction(1),
) -> int:
    """Write R'G'B' pictures (height, width, 3) and return their number.

    They are stored with the matrix of ``tags`` in video range, and tagged so in each frame and in
    the container; primaries and transfer are tags only. Values outside 0 to 1 use head- and
    footroom as far as possible. The rate is exact; every picture lasts one frame.

    :raises InvalidRequest: the suffix, the size or the matrix does not fit the codec.
    :raises CheckFailed: no pictures, pictures of different sizes, NaN or infinity.
    :raises DiskFull, NotWritable, StorageError: no file is left at ``path``.
    """
    import av

    settings = _SETTINGS[codec]
    if path.suffix.lower() != settings.suffix:
        raise InvalidRequest(
            f"{codec} is written to {settings.suffix} files, not {path.suffix or 'without suffix'}",
            where=str(path),
            next_step=f"name it {path.stem}{settings.suffix}",
        )
    matrix = yuv.matrix_of(tags.matrix, 0, 0)
    if matrix is None or tags.matrix == UNSPECIFIED:
        raise InvalidRequest(
            f"pictures cannot be stored with the matrix of H.273 code {tags.matrix}",
            where=str(path),
            next_step="choose the output format OpenEXR (output_format: exr)",
        )
    encoding = _ColourEncoding(tags, matrix, pixel_aspect)
    with files.atomic_write(path) as partial:
        try:
            return _encode(partial, iter(pictures), codec, rate, start_timecode, encoding)
        except av.FFmpegError as error:
            cause = error if isinstance(error, OSError) else files.find_write_error(partial)
            if cause is not None:
                raise cause from error
            raise StorageError(
                f"{path.name} cannot be written: {error}",
                where=str(path),
                next_step="check the disk; if it is fine, report this movie",
            ) from error


def _encode(
    path: Path,
    pictures: Iterator[FloatArray],
    codec: MovieCodec,
    rate: Fraction,
    start_timecode: str | None,
    encoding: _ColourEncoding,
) -> int:
    import av

    settings, picture = _SETTINGS[codec], next(pictures, None)
    if picture is None:
        raise CheckFailed("there is no picture to write", where=str(path))
    height, width = picture.shape[:2]
    if not supports_size(codec, width, height):
        raise InvalidRequest(
            f"{settings.pixel_format} needs an even size, not {width}x{height}",
            where=str(path),
            next_step="choose ProRes 4444, or crop by one pixel",
        )
    muxer = {
        "video_track_timescale": str(rate.numerator),
        "write_tmcd": "0" if start_timecode is None else "1",
    }
    with av.open(str(path), "w", options=muxer) as container:
        stream = container.add_stream(settings.encoder, rate=rate, options=dict(settings.options))
        stream.width, stream.height, stream.pix_fmt = width, height, settings.pixel_format
        stream.time_base = 1 / rate
        context = stream.codec_context
        context.time_base = 1 / rate
        context.sample_aspect_ratio = encoding.pixel_aspect
        if settings.container_tag is not None:
            context.codec_tag = settings.container_tag
        _set_colour_tags(context, encoding.tags)
        if start_timecode is not None:
            stream.metadata["timecode"] = start_timecode
        count = 0
        while picture is not None:
            if picture.shape[:2] != (height, width):
                size = f"{picture.shape[1]}x{picture.shape[0]}"
                message = f"picture {count} is {size}, not {width}x{height}"
                raise CheckFailed(message, where=str(path))
            frame = _create_frame(picture, settings, encoding, count, path)
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(stream.encode(frame))
            picture, count = next(pictures, None), count + 1
        container.mux(stream.encode(None))
    return count


def _set_colour_tags(target: Any, tags: CicpCodes) -> None:
    """Tag an encoder or a frame: ProRes takes the tags of each frame."""
    target.color_primaries, target.color_trc, target.colorspace = tags
    target.color_range = _VIDEO_RANGE


def _create_frame(
    rgb: FloatArray, settings: _CodecSettings, encoding: _ColourEncoding, index: int, path: Path
) -> Any:
    import av

    if not np.isfinite(rgb).all():
        raise CheckFailed(f"picture {index} has NaN or infinity", where=str(path))
    luma, *chroma = yuv.from_rgb(rgb, settings.bits, encoding.matrix)
    wide, high = settings.subsampled
    if wide:
        chroma = [yuv.subsample(plane, vertical=high) for plane in chroma]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], settings.pixel_format)
    _set_colour_tags(frame, encoding.tags)
    dtype = np.uint8 if settings.bits == 8 else np.uint16
    for target, values in zip(frame.planes, (luma, *chroma), strict=True):
        rows = np.frombuffer(target, dtype).reshape(-1, target.line_size // dtype().itemsize)
        rows[: target.height, : target.width] = values
    return frame
