"""Writing movies: ProRes in MOV, H.264 and HEVC in MP4, by FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import CheckFailed, InvalidRequest, StorageError
from bridge_gateway.media import atomic, yuv
from bridge_gateway.media.video_tags import BT709, UNSPECIFIED, VideoTags

Float = NDArray[np.float32]

REC709 = VideoTags(BT709, BT709, BT709)

#: FFmpeg's number of video range.
_VIDEO_RANGE = 1


class MovieCodec(StrEnum):
    PRORES_422_HQ = "ProRes 422 HQ"
    PRORES_4444 = "ProRes 4444"
    H264 = "H.264"
    HEVC_10 = "HEVC 10 bits"
    HEVC_12 = "HEVC 12 bits"


class _Settings(NamedTuple):
    encoder: str
    pixels: str
    bits: int
    subsampled: tuple[bool, bool]
    """Whether chroma has half the width, half the height."""
    ending: str
    options: dict[str, str]
    container_tag: str | None = None
    """Name of the codec in the container, where FFmpeg's own choice is not played everywhere."""


#: QuickTime plays HEVC under this name only.
_HVC1 = "hvc1"
_HEVC = {"crf": "14", "preset": "fast", "x265-params": "log-level=none"}

_SETTINGS = {
    MovieCodec.PRORES_422_HQ: _Settings(
        "prores_ks", "yuv422p10le", 10, (True, False), ".mov", {"profile": "3", "vendor": "apl0"}
    ),
    MovieCodec.PRORES_4444: _Settings(
        "prores_ks", "yuv444p10le", 10, (False, False), ".mov", {"profile": "4", "vendor": "apl0"}
    ),
    # CRF 16: visually lossless for review; High profile and 4:2:0 play everywhere.
    MovieCodec.H264: _Settings(
        "libx264", "yuv420p", 8, (True, True), ".mp4", {"crf": "16", "preset": "medium"}
    ),
    MovieCodec.HEVC_10: _Settings("libx265", "yuv420p10le", 10, (True, True), ".mp4", _HEVC, _HVC1),
    MovieCodec.HEVC_12: _Settings("libx265", "yuv420p12le", 12, (True, True), ".mp4", _HEVC, _HVC1),
}


def bits_of(codec: MovieCodec) -> int:
    """Bits of a sample that is written."""
    return _SETTINGS[codec].bits


def fits(codec: MovieCodec, width: int, height: int) -> bool:
    """Whether pictures of this size can be stored: sides along which chroma is halved are even."""
    return _fits(_SETTINGS[codec], width, height)


def _fits(chosen: _Settings, width: int, height: int) -> bool:
    sides = zip(chosen.subsampled, (width, height), strict=True)
    return not any(halved and side % 2 for halved, side in sides)


class _Look(NamedTuple):
    """How the codes in the file are to be understood."""

    tags: VideoTags
    matrix: yuv.Matrix
    pixel_aspect: Fraction


def write_movie(
    path: Path,
    pictures: Iterable[Float],
    *,
    codec: MovieCodec,
    rate: Fraction,
    tags: VideoTags = REC709,
    start_timecode: str | None = None,
    pixel_aspect: Fraction = Fraction(1),
) -> int:
    """Write R'G'B' pictures (height, width, 3); how many.

    They are stored by the matrix of ``tags`` in video range, and each frame and the container say
    so; primaries and transfer are tags only. Values outside 0 to 1 use the head- and footroom as
    far as it goes. The rate is exact, every picture lasts one frame.

    :raises InvalidRequest: the ending, the size or the matrix does not go with the codec.
    :raises CheckFailed: no picture, pictures of different sizes, or with NaN or infinity.
    :raises DiskFull, NotWritable, StorageError: no file stands under ``path`` then.
    """
    import av

    chosen = _SETTINGS[codec]
    if path.suffix.lower() != chosen.ending:
        raise InvalidRequest(
            f"{codec} goes into {chosen.ending} files, not {path.suffix or 'nameless ones'}",
            where=str(path),
            next_step=f"name it {path.stem}{chosen.ending}",
        )
    matrix = yuv.matrix_of(tags.matrix, 0, 0)
    if matrix is None or tags.matrix == UNSPECIFIED:
        raise InvalidRequest(
            f"pictures cannot be stored by the matrix of H.273 code {tags.matrix}",
            where=str(path),
            next_step="ask for OpenEXR (delivery: exr)",
        )
    look = _Look(tags, matrix, pixel_aspect)
    with atomic.new_file(path) as partial:
        try:
            return _encode(partial, iter(pictures), chosen, rate, start_timecode, look)
        except av.FFmpegError as error:
            cause = error if isinstance(error, OSError) else atomic.cause_of_failure(partial)
            if cause is not None:
                raise cause from error
            raise StorageError(
                f"{path.name} cannot be written: {error}",
                where=str(path),
                next_step="check the disk; if it is fine, report this movie",
            ) from error


def _encode(
    path: Path,
    pictures: Any,
    chosen: _Settings,
    rate: Fraction,
    start_timecode: str | None,
    look: _Look,
) -> int:
    import av

    first = next(pictures, None)
    if first is None:
        raise CheckFailed("there is no picture to write", where=str(path))
    height, width = first.shape[:2]
    if not _fits(chosen, width, height):
        raise InvalidRequest(
            f"{chosen.pixels} needs even sides, not {width}x{height}",
            where=str(path),
            next_step="choose ProRes 4444, or crop by a pixel",
        )
    muxer = {"video_track_timescale": str(rate.numerator), "write_tmcd": "1"}
    if start_timecode is None:
        muxer["write_tmcd"] = "0"
    with av.open(str(path), "w", options=muxer) as container:
        stream = container.add_stream(chosen.encoder, rate=rate, options=dict(chosen.options))
        stream.width, stream.height, stream.pix_fmt = width, height, chosen.pixels
        stream.time_base = 1 / rate
        context = stream.codec_context
        context.time_base = 1 / rate
        context.sample_aspect_ratio = look.pixel_aspect
        if chosen.container_tag is not None:
            context.codec_tag = chosen.container_tag
        _tag(context, look.tags)
        if start_timecode is not None:
            stream.metadata["timecode"] = start_timecode
        count = 0
        while first is not None:
            if first.shape[:2] != (height, width):
                raise CheckFailed(
                    f"picture {count} is {first.shape[1]}x{first.shape[0]}, not {width}x{height}",
                    where=str(path),
                )
            frame = _frame(first, chosen, look, count, path)
            frame.pts, frame.time_base = count, 1 / rate
            for packet in stream.encode(frame):
                container.mux(packet)
            count += 1
            first = next(pictures, None)
        for packet in stream.encode(None):
            container.mux(packet)
    return count


def _tag(target: Any, tags: VideoTags) -> None:
    """Tag an encoder or a frame: ProRes takes its own from each frame."""
    target.color_primaries, target.color_trc, target.colorspace = tags
    target.color_range = _VIDEO_RANGE


def _frame(rgb: Float, chosen: _Settings, look: _Look, index: int, path: Path) -> Any:
    import av

    if not np.isfinite(rgb).all():
        raise CheckFailed(f"picture {index} holds NaN or infinity", where=str(path))
    luma, *chroma = yuv.from_rgb(rgb, chosen.bits, look.matrix)
    wide, high = chosen.subsampled
    if wide:
        chroma = [yuv.subsample(plane, vertical=high) for plane in chroma]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], chosen.pixels)
    _tag(frame, look.tags)
    dtype = np.uint8 if chosen.bits == 8 else np.uint16
    for target, values in zip(frame.planes, (luma, *chroma), strict=True):
        rows = np.frombuffer(target, dtype).reshape(-1, target.line_size // dtype().itemsize)
        rows[: target.height, : target.width] = values
    return frame
