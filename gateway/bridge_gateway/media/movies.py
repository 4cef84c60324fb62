"""Reading movies frame by frame, by FFmpeg (PyAV): every picture has one number, from 0.

Only movies of a constant rate are read: where pictures stay for different times, "frame 17" means
one thing to a host and another to a decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.frames import frame_of, nominal, timecode, to_rate
from bridge_gateway.media import yuv
from bridge_gateway.media.parts import Part, Picture, pack_timecode

#: Decoding on is quicker than seeking when the wanted frame is at most so many ahead.
_NEAR = 24
#: Part of a frame by which a time stamp may be off; Matroska rounds to milliseconds.
_TOLERANCE = Fraction(1, 3)
_RANGE_FULL = 2
_UNSPECIFIED = 2


@dataclass(frozen=True)
class MovieFacts:
    width: int
    height: int
    pixel_aspect: float
    rate: Fraction
    count: int
    """Number of pictures."""
    bits: int
    channels: tuple[str, ...]
    start_timecode: str | None
    codec: str
    colour: str
    """Matrix, range and transfer as tagged, in words."""


class MovieReader:
    """A movie opened for reading; a context manager. For one thread at a time.

    :raises UnreadableMedia: no movie, damaged, without pictures, or of a variable rate.
    """

    def __init__(self, path: Path) -> None:
        import av

        self._path = path
        try:
            self._container = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable(_reason(error)) from error
        if not self._container.streams.video:
            self._container.close()
            raise self._unreadable("it holds no pictures")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        try:
            self._rate = self._find_rate()
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise self._unreadable("no picture can be decoded")
            self._start: int = first.pts
            self._next = 1
            self._ahead: Any = first
            self.facts = self._find_facts(first)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._frames.close()
        self._container.close()

    def read(self, index: int) -> Picture:
        """Picture number ``index``, the first being 0, as float32 R'G'B' (and A).

        Values keep head- and footroom. The matrix and range are those that the stream is tagged
        with; untagged, BT.709 from 1280x720 on, else BT.601, and video range.

        :raises MissingFrames: beyond the movie's end.
        :raises UnreadableMedia: this picture is damaged.
        """
        if not 0 <= index < self.facts.count:
            raise MissingFrames.of([index], where=str(self._path))
        return self._picture(self._find(index), index)

    def _find(self, index: int) -> Any:
        if self._ahead is not None and index == self._next - 1:
            return self._ahead
        if not self._next <= index <= self._next + _NEAR:
            self._seek(index)
        for frame in self._frames:
            at = self._index_of(frame)
            self._next, self._ahead = at + 1, frame
            if at == index:
                return frame
            if at > index:
                break
        else:
            self._next, self._ahead = self.facts.count + 1, None
        raise self._unreadable(f"picture {index} (counted from 0) is missing or damaged")

    def _seek(self, index: int) -> None:
        """Stand before ``index``, at a picture that can be decoded by itself."""
        self._frames.close()
        # Open GOPs: pictures before the key frame in time come after it in the file.
        for back in (0, _NEAR, index):
            time = self._start + int((index - back) / self._rate / self._time_base)
            self._container.seek(max(time, self._start), stream=self._stream, backward=True)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is not None and self._index_of(first) <= index:
                self._frames = _put_back(first, self._frames)
                self._next, self._ahead = 0, None
                return
        raise self._unreadable(f"picture {index} (counted from 0) cannot be reached")

    def _decode(self) -> Any:
        import av

        def frames() -> Iterator[Any]:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.is_corrupt:
                        raise self._unreadable("it is truncated or damaged")
                    for frame in packet.decode():
                        if frame.pts is None:
                            raise self._unreadable("its pictures have no time stamps")
                        yield frame
            except (av.FFmpegError, OSError) as error:
                raise self._unreadable(_reason(error)) from error

        return frames()

    def _index_of(self, frame: Any) -> int:
        exact = Fraction(frame.pts - self._start) * self._time_base * self._rate
        index = round(exact)
        if abs(exact - index) > _TOLERANCE:
            raise self._variable()
        return index

    @property
    def _time_base(self) -> Fraction:
        return Fraction(self._stream.time_base)

    def _find_rate(self) -> Fraction:
        told = self._stream.average_rate or self._stream.guessed_rate
        if not told:
            raise self._unreadable("it does not tell its frame rate")
        try:
            # Containers with a coarse clock give 2997/125 for 24000/1001.
            return to_rate(round(float(told), 3)) if told.denominator > 1001 else to_rate(told)
        except ValueError:
            return Fraction(told)

    def _find_facts(self, first: Any) -> MovieFacts:
        stream = self._stream
        aspect = stream.sample_aspect_ratio
        components = first.format.components
        alpha = any(component.is_alpha for component in components)
        matrix, full = self._matrix(first)
        return MovieFacts(
            width=first.width,
            height=first.height,
            pixel_aspect=float(aspect) if aspect else 1.0,
            rate=self._rate,
            count=self._count(),
            bits=max(component.bits for component in components),
            channels=("R", "G", "B", "A") if alpha else ("R", "G", "B"),
            start_timecode=self._timecode(),
            codec=stream.codec_context.name,
            colour=f"{matrix.name if matrix else 'RGB'}, {'full' if full else 'video'} range",
        )

    def _count(self) -> int:
        """Pictures that are shown: those that an edit list cuts off do not count."""
        steps = [entry for entry in self._stream.index_entries if not entry.is_discard]
        if "mov" not in self._container.format.name or not steps:
            return self._count_packets()
        times = np.array([entry.timestamp for entry in steps], np.float64)
        lengths = np.diff(times) * float(self._time_base * self._rate)
        if len(lengths) and np.abs(lengths - 1).max() > float(_TOLERANCE):
            raise self._variable()
        return len(steps)

    def _count_packets(self) -> int:
        """For containers that do not list their pictures in front: by going through the file."""
        import av

        with av.open(str(self._path)) as container:
            packets = container.demux(container.streams.video[0])
            return sum(1 for packet in packets if packet.size)

    def _timecode(self) -> str | None:
        for place in (self._container, *self._container.streams):
            told = place.metadata.get("timecode")
            if told:
                return str(told)
        return None

    def _matrix(self, frame: Any) -> tuple[yuv.Matrix | None, bool]:
        """Matrix (None for RGB) and whether the range is full."""
        context = self._stream.codec_context
        if frame.format.is_rgb:
            return None, True
        tags = (int(frame.colorspace), int(context.colorspace))
        code = next((tag for tag in tags if tag != _UNSPECIFIED), _UNSPECIFIED)
        matrix = yuv.matrix_of(code, frame.width, frame.height)
        if matrix is None:
            raise self._unreadable(f"its colour matrix (H.273 code {code}) is not supported")
        full = _RANGE_FULL in (int(frame.color_range), int(context.color_range))
        return matrix, full or frame.format.name.startswith("yuvj")

    def _picture(self, frame: Any, index: int) -> Picture:
        import OpenImageIO as oiio

        if frame.is_corrupt:
            raise self._unreadable(f"picture {index} (counted from 0) is damaged")
        facts = self.facts
        planes = _planes(frame, facts.bits, alpha="A" in facts.channels)
        matrix, full = self._matrix(frame)
        if matrix is None:
            top = np.float32((1 << facts.bits) - 1)
            green, blue, red = (plane.astype(np.float32) / top for plane in planes[:3])
            pixels = np.stack([red, green, blue], axis=-1)
        else:
            pixels = yuv.to_rgb(planes, facts.bits, matrix, full=full)
        if len(planes) == 4:
            opacity = planes[3].astype(np.float32) / np.float32((1 << facts.bits) - 1)
            pixels = np.concatenate([pixels, opacity[..., None]], axis=-1)
        spec = oiio.ImageSpec(facts.width, facts.height, len(facts.channels), oiio.FLOAT)
        spec.attribute("PixelAspectRatio", facts.pixel_aspect)
        spec.attribute("oiio:BitsPerSample", facts.bits)
        rate = (facts.rate.numerator, facts.rate.denominator)
        spec.attribute("framesPerSecond", oiio.TypeRational, rate)
        code = self._timecode_at(index)
        if code is not None:
            spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, pack_timecode(code))
        part = Part("", facts.channels, pixels, ("float",) * len(facts.channels), spec)
        return Picture((part,), format="movie", where=str(self._path))

    def _timecode_at(self, index: int) -> str | None:
        start = self.facts.start_timecode
        if start is None or nominal(self._rate) > 60:
            return None
        drop = start[-3] in ";."
        try:
            return timecode(frame_of(start, self._rate) + index, self._rate, drop_frame=drop)
        except ValueError:  # a timecode of another rate: better none than a wrong one
            return None

    def _variable(self) -> UnreadableMedia:
        return UnreadableMedia(
            f"{self._path.name} has a variable frame rate, so its pictures have no frame numbers",
            where=str(self._path),
            next_step="convert it to a constant rate (or to an image sequence) and send that",
        )

    def _unreadable(self, reason: str) -> UnreadableMedia:
        return UnreadableMedia(
            f"{self._path.name} cannot be read: {reason}",
            where=str(self._path),
            next_step="export or copy this movie again, then send again",
        )


def _planes(frame: Any, bits: int, *, alpha: bool) -> list[NDArray[Any]]:
    """Planes of full size at the frame's own depth: Y, Cb, Cr or G, B, R, and A.

    FFmpeg only repacks and brings chroma to full size here; values of luma stay untouched.
    """
    if frame.format.is_rgb:
        family = "gbrap" if alpha else "gbrp"
    elif frame.format.name.startswith("yuvj"):  # FFmpeg's names for full range in 8 bits
        family = "yuvj444p"
    else:
        family = "yuva444p" if alpha else "yuv444p"
    depth = next(known for known in (8, 10, 12, 16) if known >= bits)
    # Naming one range for both sides keeps FFmpeg from turning full range into video range.
    whole = frame.reformat(
        format=family if depth == 8 else f"{family}{depth}le",
        src_color_range="MPEG",
        dst_color_range="MPEG",
    )
    dtype = np.uint8 if depth == 8 else np.uint16
    planes: list[NDArray[Any]] = []
    for plane in whole.planes:
        rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype().itemsize)
        planes.append(rows[: plane.height, : plane.width])
    return planes


def _put_back(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
