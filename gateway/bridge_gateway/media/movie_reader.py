"""Reads movies frame by frame with FFmpeg (PyAV); pictures are numbered from 0.

Only movies with a constant rate are read: with a variable rate, hosts and decoders would disagree
about "frame 17". FFmpeg opens this one file and nothing that it references: only containers that
hold their own pictures are accepted, whatever the file's name.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.frames import frame_to_timecode, timecode_to_frame
from bridge_gateway.media import movie_planes, yuv
from bridge_gateway.media.cicp import UNSPECIFIED, CicpCodes
from bridge_gateway.media.formats import MOVIE_CONTAINER_NAMES, MOVIE_DEMUXERS
from bridge_gateway.media.movie_timecode import convert_timecode, timecode_frames_per_second
from bridge_gateway.media.picture import Picture, PicturePart
from bridge_gateway.media.picture_samples import pack_timecode
from bridge_gateway.media.plate_info import PlateInfo

#: Decoding on is faster than seeking if the frame is at most this many frames ahead.
_MAX_DECODE_AHEAD = 24
#: Tolerated error of a timestamp, in frames; Matroska rounds to milliseconds.
_TIMESTAMP_TOLERANCE = Fraction(1, 3)
#: Tolerated relative error of a rate from a container with a coarse clock; 23.98 is off by 1.7e-4.
_RATE_TOLERANCE = Fraction(1, 5000)
#: Frames per second that the timecode in a picture's header can hold.
_MAX_HEADER_FRAMES = 40
_RANGE_VIDEO, _RANGE_FULL = 1, 2
#: What FFmpeg may open. Playlists, file patterns and other protocols are excluded: they would read
#: files that nobody has allowed.
_FFMPEG_OPTIONS = {
    "format_whitelist": ",".join(MOVIE_DEMUXERS),
    "protocol_whitelist": "file",
    "enable_drefs": "0",
    "use_absolute_path": "0",
}
#: FFmpeg's attributes for primaries, transfer and matrix of a frame or decoder.
_TAG_ATTRIBUTES = ("color_primaries", "color_trc", "colorspace")
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d\.\d+)")
#: FFmpeg's own decoders drop the alpha of these codecs; libvpx keeps it.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True, kw_only=True)
class MovieInfo(PlateInfo):
    """The properties of a movie."""

    rate: Fraction
    frame_count: int
    bits: int
    """Of a sample."""
    tags: CicpCodes
    decoding: str
    """Description of the matrix and range that the pictures are decoded with."""

    def timecode_at(self, index: int) -> str | None:
        """The timecode of picture ``index``, counted from 0; None if the movie has none."""
        start = self.start_timecode
        if start is None:
            return None
        frame = timecode_to_frame(start, self.rate) + index
        return frame_to_timecode(frame, self.rate, drop_frame=start[-3] in ";.")


class MovieReader:
    """A movie opened for reading; a context manager. For one thread at a time.

    :raises UnreadableMedia: not a movie, damaged, without pictures, or with a variable rate.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = self._open()
        streams = self._container.streams.video
        pictures = [stream for stream in streams if not _is_attached_picture(stream)]
        if not pictures:
            self._container.close()
            raise self._unreadable_error("it has no pictures")
        self._stream = pictures[0]
        self._stream.thread_type = "AUTO"
        try:
            self._decoder = self._select_decoder()
            self._rate = self._read_rate()
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise self._unreadable_error("no picture can be decoded")
            self._start: int = first.pts
            self._next_index = 1
            self._current: Any = first
            self.info = self._read_info(first)
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
        """Picture ``index``, counted from 0, as float32 R'G'B' (and A).

        Values keep head- and footroom. The matrix and range are the stream's tags; if untagged,
        BT.709 from 1280x720 on, otherwise BT.601, in video range.

        :raises MissingFrames: beyond the end of the movie.
        :raises UnreadableMedia: this picture is damaged.
        """
        if not 0 <= index < self.info.frame_count:
            raise MissingFrames.of([index], where=str(self._path))
        return self._to_picture(self._find_frame(index), index)

    def _open(self) -> Any:
        import av

        try:
            # With its protocol, so that no file name is taken for another protocol. Tags may be in
            # any encoding.
            return av.open(
                f"file:{self._path}", options=dict(_FFMPEG_OPTIONS), metadata_errors="replace"
            )
        except av.InvalidDataError as error:
            reason = f"it is not a {MOVIE_CONTAINER_NAMES} file, or is damaged"
            raise self._unreadable_error(reason) from error
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable_error(_error_text(error)) from error

    def _select_decoder(self) -> Any:
        """The stream's own decoder, or one that also reads the alpha."""
        import av

        own = self._stream.codec_context
        # FFmpeg's key for the track's element is in lower case; as a tag it is in capitals.
        metadata = {name.lower(): value for name, value in self._stream.metadata.items()}
        if metadata.get("alpha_mode") != "1" or own.codec.name not in _ALPHA_DECODERS:
            return own
        decoder = av.CodecContext.create(_ALPHA_DECODERS[own.codec.name], "r")
        decoder.extradata = own.extradata
        return decoder

    def _find_frame(self, index: int) -> Any:
        if not self._next_index - 1 <= index <= self._next_index + _MAX_DECODE_AHEAD:
            self._seek(index)
        if index == self._next_index - 1:
            return self._current
        for frame in self._frames:
            at = self._index_of(frame)
            self._next_index, self._current = at + 1, frame
            if at == index:
                return frame
            if at > index:
                break
        else:
            self._next_index = self.info.frame_count + 1  # so that every picture needs a seek
        raise self._unreadable_error(f"picture {index} (counted from 0) is missing or damaged")

    def _seek(self, index: int) -> None:
        """Continue decoding at a key frame at or before ``index``."""
        self._frames.close()
        if self._decoder is not self._stream.codec_context and self._decoder.is_open:
            self._decoder.flush_buffers()
        # In open GOPs, pictures that precede the key frame in time follow it in the file.
        for back in (0, _MAX_DECODE_AHEAD, index):
            time = self._start + int((index - back) / self._rate / self._time_base)
            self._container.seek(max(time, self._start), stream=self._stream, backward=True)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is not None and (at := self._index_of(first)) <= index:
                self._next_index, self._current = at + 1, first
                return
        raise self._unreadable_error(f"picture {index} (counted from 0) cannot be reached")

    def _decode(self) -> Generator[Any, None, None]:
        import av

        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    raise self._unreadable_error("it is truncated or damaged")
                for frame in self._decoder.decode(packet if packet.size else None):
                    if frame.pts is None:
                        raise self._unreadable_error("its pictures have no timestamps")
                    yield frame
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable_error(_error_text(error)) from error

    def _index_of(self, frame: Any) -> int:
        exact = Fraction(frame.pts - self._start) * self._time_base * self._rate
        index = round(exact)
        if abs(exact - index) > _TIMESTAMP_TOLERANCE:
            raise self._variable_rate_error()
        return index

    @property
    def _is_quicktime(self) -> bool:
        """Whether the file is QuickTime or MP4, which list every picture in their header."""
        return "mov" in self._container.format.name

    @property
    def _time_base(self) -> Fraction:
        return Fraction(self._stream.time_base)

    def _read_rate(self) -> Fraction:
        stated = self._stream.average_rate or self._stream.guessed_rate
        if not stated:
            raise self._unreadable_error("it has no frame rate")
        # Containers with a coarse clock report 2997/125 for 24000/1001.
        rate = Fraction(stated)
        for unit in (Fraction(1), Fraction(1000, 1001)):
            near = round(rate / unit) * unit
            if abs(near - rate) <= rate * _RATE_TOLERANCE:
                return near
        return rate

    def _read_info(self, first: Any) -> MovieInfo:
        aspect = self._stream.sample_aspect_ratio
        kind = self._colour_model(first)
        matrix, full = self._matrix_and_range(first, kind)
        name = {"rgb": "RGB", "grey": "grey"}.get(kind) or (matrix.name if matrix else "")
        bits = max(component.bits for component in first.format.components)
        tags = CicpCodes(*(self._cicp_code(first, attribute) for attribute in _TAG_ATTRIBUTES))
        count, start_timecode = self._count_frames(), self._start_timecode()
        return MovieInfo(
            width=first.width,
            height=first.height,
            pixel_aspect=float(aspect) if aspect else 1.0,
            channels=tuple("RGBA" if movie_planes.has_alpha(first.format) else "RGB"),
            depth=f"uint{bits}",
            start_timecode=start_timecode,
            colour_tag=tags.colour_tag,
            frame_count=count,
            rate=self._rate,
            notes=tuple(self._notes(first, count, start_timecode)),
            bits=bits,
            tags=tags,
            decoding=f"{name}, {'full' if full else 'video'} range",
        )

    def _notes(self, first: Any, count: int, start_timecode: str | None) -> Iterator[str]:
        if first.rotation:
            yield (
                f"players rotate its pictures by {-first.rotation % 360} degrees clockwise; "
                "they are sent as stored"
            )
        if first.interlaced_frame:
            yield "it is interlaced: both fields stay in one picture; versions are progressive"
        text = self._timecode_text()
        if text and start_timecode is None:
            yield f"its timecode {text} does not fit {self._rate} frames per second and is ignored"
        announced = self._announced_count()
        if announced > count + 1:
            yield f"its header announces {announced} pictures and it has {count}: is it truncated?"

    def _announced_count(self) -> int:
        """The number of pictures in the header, give or take one; 0 if unknown."""
        if self._is_quicktime:
            return 0  # pictures were counted from the header
        if self._stream.frames:
            return int(self._stream.frames)
        # Matroska files have the end of each stream in a tag: HH:MM:SS.nnnnnnnnn.
        lasts = _DURATION.fullmatch(self._stream.metadata.get("DURATION", ""))
        if lasts is None:
            return 0
        hours, minutes, seconds = map(Fraction, lasts.groups())
        end = hours * 3600 + minutes * 60 + seconds
        return round((end - self._start * self._time_base) * self._rate)

    def _cicp_code(self, frame: Any, name: str) -> int:
        """A code of H.273: the picture's, otherwise the container's."""
        codes = (int(getattr(frame, name)), int(getattr(self._stream.codec_context, name)))
        return next((code for code in codes if code != UNSPECIFIED), UNSPECIFIED)

    def _count_frames(self) -> int:
        """Number of visible pictures, without those that an edit list removes."""
        steps = [entry for entry in self._stream.index_entries if not entry.is_discard]
        if not self._is_quicktime or not steps:
            return self._count_packets()
        times = np.array([entry.timestamp for entry in steps], np.float64)
        lengths = np.diff(times) * float(self._time_base * self._rate)
        if len(lengths) and np.abs(lengths - 1).max() > float(_TIMESTAMP_TOLERANCE):
            raise self._variable_rate_error()
        return len(steps)

    def _count_packets(self) -> int:
        """For containers without an index in their header: count by reading the whole file."""
        with self._open() as container:
            packets = container.demux(container.streams[self._stream.index])
            return sum(1 for packet in packets if packet.size)

    def _start_timecode(self) -> str | None:
        """The first picture's timecode; None if it is missing or does not fit the movie's rate."""
        text = self._timecode_text()
        if not text:
            return None
        counted_at = timecode_frames_per_second(self._path) if self._is_quicktime else None
        return convert_timecode(text, counted_at, self._rate)

    def _timecode_text(self) -> str | None:
        sources = (self._container, *self._container.streams)
        return next(filter(None, (source.metadata.get("timecode") for source in sources)), None)

    def _colour_model(self, frame: Any) -> str:
        kind = movie_planes.colour_model_of(frame.format)
        if kind is None:
            raise self._unreadable_error(
                f"samples of the format {frame.format.name} are not supported"
            )
        return kind

    def _matrix_and_range(self, frame: Any, kind: str) -> tuple[yuv.YuvMatrix | None, bool]:
        """Matrix (None for RGB and grey) and whether the range is full."""
        ranges = (int(frame.color_range), int(self._stream.codec_context.color_range))
        if kind == "rgb":
            return None, True
        if kind == "grey":  # untagged grey is full range, as in libswscale
            return None, _RANGE_VIDEO not in ranges
        code = self._cicp_code(frame, "colorspace")
        matrix = yuv.matrix_of(code, frame.width, frame.height)
        if matrix is None:
            raise self._unreadable_error(f"its colour matrix (H.273 code {code}) is not supported")
        return matrix, _RANGE_FULL in ranges or frame.format.name.startswith("yuvj")

    def _to_picture(self, frame: Any, index: int) -> Picture:
        import OpenImageIO as oiio

        if frame.is_corrupt:
            raise self._unreadable_error(f"picture {index} (counted from 0) is damaged")
        info = self.info
        shape = (frame.width, frame.height, movie_planes.has_alpha(frame.format))
        if shape != (info.width, info.height, "A" in info.channels):
            raise self._unreadable_error(
                f"picture {index} (counted from 0) differs from the first in size or channels"
            )
        planes = movie_planes.extract_planes(frame, self._colour_model(frame))
        matrix, full = self._matrix_and_range(frame, planes.colour_model)
        if matrix is not None:
            pixels = yuv.to_rgb(list(planes.colour), planes.bits, matrix, full=full)
        else:
            values = [yuv.normalise(plane, planes.bits, full=full) for plane in planes.colour]
            green, blue, red = values if len(values) == 3 else values * 3
            pixels = np.stack([red, green, blue], axis=-1)
        if planes.alpha is not None:
            alpha = yuv.normalise(planes.alpha, planes.bits, full=True)
            pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
        spec = oiio.ImageSpec(info.width, info.height, len(info.channels), oiio.FLOAT)
        spec.attribute("PixelAspectRatio", info.pixel_aspect)
        spec.attribute("oiio:BitsPerSample", info.bits)
        rate = (info.rate.numerator, info.rate.denominator)
        spec.attribute("framesPerSecond", oiio.TypeRational, rate)
        code = info.timecode_at(index)
        # The header has two bits for the tens of frames (SMPTE ST 12-1): rather none than a wrong
        # timecode.
        if code is not None and int(code[-2:]) < _MAX_HEADER_FRAMES:
            spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, pack_timecode(code))
        part = PicturePart("", info.channels, pixels, ("float",) * len(info.channels), spec)
        return Picture((part,), file_format="movie", where=str(self._path))

    def _variable_rate_error(self) -> UnreadableMedia:
        return UnreadableMedia(
            f"{self._path.name} has a variable frame rate, so its pictures have no frame numbers",
            where=str(self._path),
            next_step="convert it to a constant rate, or to an image sequence, and send that",
        )

    def _unreadable_error(self, reason: str) -> UnreadableMedia:
        return UnreadableMedia(
            f"{self._path.name} cannot be read: {reason}",
            where=str(self._path),
            next_step="export or copy this movie again, then send it again",
        )


def _is_attached_picture(stream: Any) -> bool:
    """Whether the stream is an attached picture, such as a poster, and not the movie."""
    return bool(stream.disposition & stream.disposition.attached_pic)


def _error_text(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
