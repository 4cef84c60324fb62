"""Writing movies: ProRes in MOV, H.264 in MP4, by FFmpeg (PyAV)."""

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

Float = NDArray[np.float32]

#: ITU-T H.273 codes of BT.709: primaries, transfer and matrix; and of video range in FFmpeg.
_BT709 = 1
_VIDEO_RANGE = 1


class MovieCodec(StrEnum):
    PRORES_422_HQ = "ProRes 422 HQ"
    PRORES_4444 = "ProRes 4444"
    H264 = "H.264"


class _Settings(NamedTuple):
    encoder: str
    pixels: str
    bits: int
    subsampled: tuple[bool, bool]
    """Whether chroma has half the width, half the height."""
    ending: str
    options: dict[str, str]


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
}


def write_movie(
    path: Path,
    pictures: Iterable[Float],
    *,
    codec: MovieCodec,
    rate: Fraction,
    start_timecode: str | None = None,
    pixel_aspect: Fraction = Fraction(1),
) -> int:
    """Write R'G'B' pictures (height, width, 3), encoded for a BT.709 display; how many.

    The stream is tagged BT.709 in video range; values outside 0 to 1 use the head- and footroom
    as far as it goes. The rate is exact, every picture lasts one frame.

    :raises InvalidRequest: the ending, the rate or the size does not go with the codec.
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
    with atomic.new_file(path) as partial:
        try:
            return _encode(partial, iter(pictures), chosen, rate, start_timecode, pixel_aspect)
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
    pixel_aspect: Fraction,
) -> int:
    import av

    first = next(pictures, None)
    if first is None:
        raise CheckFailed("there is no picture to write", where=str(path))
    height, width = first.shape[:2]
    for halved, side in zip(chosen.subsampled, (width, height), strict=True):
        if halved and side % 2:
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
        context.sample_aspect_ratio = pixel_aspect
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _VIDEO_RANGE
        if start_timecode is not None:
            stream.metadata["timecode"] = start_timecode
        count = 0
        while first is not None:
            if first.shape[:2] != (height, width):
                raise CheckFailed(
                    f"picture {count} is {first.shape[1]}x{first.shape[0]}, not {width}x{height}",
                    where=str(path),
                )
            frame = _frame(first, chosen, count, path)
            frame.pts, frame.time_base = count, 1 / rate
            for packet in stream.encode(frame):
                container.mux(packet)
            count += 1
            first = next(pictures, None)
        for packet in stream.encode(None):
            container.mux(packet)
    return count


def _frame(rgb: Float, chosen: _Settings, index: int, path: Path) -> Any:
    import av

    if not np.isfinite(rgb).all():
        raise CheckFailed(f"picture {index} holds NaN or infinity", where=str(path))
    luma, *chroma = yuv.from_rgb(rgb, chosen.bits, yuv.BT709)
    wide, high = chosen.subsampled
    if wide:
        chroma = [yuv.subsample(plane, vertical=high) for plane in chroma]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], chosen.pixels)
    frame.colorspace, frame.color_range = _BT709, _VIDEO_RANGE
    dtype = np.uint8 if chosen.bits == 8 else np.uint16
    for target, values in zip(frame.planes, (luma, *chroma), strict=True):
        rows = np.frombuffer(target, dtype).reshape(-1, target.line_size // dtype().itemsize)
        rows[: target.height, : target.width] = values
    return frame
