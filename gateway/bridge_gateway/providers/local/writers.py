"""Writing results: sample types, files, and the description of each output.

While the job runs, each frame is a separate file, so that a kill costs one frame at most. A movie
is assembled from these files at the end, and they are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Protocol

from bridge_core.errors import CheckFailed, InvalidRequest
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind
from bridge_core.models.requests import OutputFormat
from bridge_core.models.versions import ResultOutput
from bridge_gateway.arrays import FloatArray
from bridge_gateway.media import channel_roles, movie_writer
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.output_checks import find_bad_values
from bridge_gateway.media.picture import Picture, to_exr
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_reader import probe
from bridge_gateway.providers.base import PICTURE_FILENAME
from bridge_gateway.providers.local.local_task import LocalTask

#: Lossless compressions of OpenEXR.
_LOSSLESS_COMPRESSIONS = frozenset({"none", "rle", "zip", "zips", "piz"})
#: Subfolder with the frames that a movie is assembled from.
_MOVIE_FRAMES_FOLDER = "movie_frames"


class OutputWriter(Protocol):
    colour_conversions: tuple[str, ...]
    """How the files change colours; empty if values are stored unchanged."""

    def prepare(self, picture: Picture) -> Picture:
        """A plate's picture with the sample type of the output format."""

    values_checked: bool
    """Whether :meth:`write` checks that all values are finite."""

    def write(self, frame: int, outputs: Mapping[str, Picture], plate: Picture) -> None:
        """Write a frame's pictures; they are complete on disk on return. ``plate`` is the prepared
        picture that they were made from.

        :raises CheckFailed: values are not finite, and those of the plate are.
        """

    def finish(self, spaces: Mapping[str, str]) -> tuple[ResultOutput, ...]:
        """After the last frame: describe the outputs, as read back from the files. ``spaces``
        maps each output's name to its colour space."""


def create_writer(task: LocalTask) -> OutputWriter:
    """A sequence; or a movie, if the plate is one and its own format is requested.

    Test frames with gaps between them become an OpenEXR sequence even then: in a movie they would
    appear at other times than in the shot.
    """
    if task.output_format is OutputFormat.EXR:
        return SequenceWriter(task, ".exr")
    if task.plate.kind is not PlateKind.MOVIE:
        # From the plate's own path: an uploaded file has another name in the gateway.
        return SequenceWriter(task, PurePath(task.plate.path).suffix.lower())
    if task.frames[-1] - task.frames[0] + 1 != len(task.frames):
        return SequenceWriter(task, ".exr")
    return MovieWriter(task)


class SequenceWriter:
    """A file for each frame and output."""

    colour_conversions: tuple[str, ...] = ()
    values_checked = True

    def __init__(self, task: LocalTask, suffix: str) -> None:
        self._task = task
        self._suffix = suffix
        self._as_exr = task.output_format is OutputFormat.EXR or task.plate.kind is PlateKind.MOVIE

    def prepare(self, picture: Picture) -> Picture:
        return to_exr(picture) if self._as_exr else picture

    def write(self, frame: int, outputs: Mapping[str, Picture], plate: Picture) -> None:
        for output, picture in outputs.items():
            reason = find_bad_values(picture, lambda: plate)
            if reason:
                raise CheckFailed(
                    f"frame {frame} of the output {output!r} {reason}",
                    where=self._task.plate.path_at(frame),
                    next_step="send the request again; if it fails again, check this frame of the "
                    "plate",
                    details={"frames": {str(frame): reason}},
                )
            compression = _lossless_compression(picture) if self._as_exr else None
            write_picture(self._path(output, frame), picture, compression=compression)

    def finish(self, spaces: Mapping[str, str]) -> tuple[ResultOutput, ...]:
        return tuple(self._describe_output(output, space) for output, space in spaces.items())

    def _describe_output(self, output: str, space: str) -> ResultOutput:
        picture = read_picture(self._path(output, self._task.frames[0]))
        return ResultOutput(
            name=output,
            pattern=f"{output}.%04d{self._suffix}",
            range=_frame_range(self._task),
            colour_space=space,
            width=picture.display_window.width,
            height=picture.display_window.height,
            pixel_aspect=picture.pixel_aspect,
            channels=_picture_channels(picture.main_part.channels),
            depth=picture.depth,
        )

    def _path(self, output: str, frame: int) -> Path:
        name = PICTURE_FILENAME.format(output=output, frame=frame, suffix=self._suffix)
        return self._task.folder / name


class MovieWriter:
    """A movie for each output: H.264 or HEVC if the plate is an MP4, otherwise ProRes in MOV.

    Pictures stay in the plate's colour space, so they are stored and tagged as the plate is.
    """

    def __init__(self, task: LocalTask) -> None:
        self._task = task
        self._is_mp4 = PurePath(task.plate.path).suffix.lower() in (".mp4", ".m4v")
        with MovieReader(task.files[task.frames[0]]) as movie:
            plate = movie.info
        self._bits = plate.bits
        self._start_timecode = plate.timecode_at(task.frames[0] - task.plate.range.first)
        self._tags = plate.tags.for_writing(plate.width, plate.height)
        tag_codes = "/".join(map(str, self._tags))
        bits = movie_writer.bit_depth(self._codec(plate.width))
        self.colour_conversions: tuple[str, ...] = (
            f"encoded in video range and {bits} bits, H.273 codes {tag_codes}",
        )

    def prepare(self, picture: Picture) -> Picture:
        # Half and float keep precision until the codec rounds.
        return to_exr(picture)

    values_checked = False

    def write(self, frame: int, outputs: Mapping[str, Picture], plate: Picture) -> None:
        for output, picture in outputs.items():
            if picture.alpha() is not None:
                raise InvalidRequest(
                    "movies are written without alpha",
                    where=f"output {output}",
                    next_step="choose the output format OpenEXR (output_format: exr)",
                )
            width, height = picture.display_window.width, picture.display_window.height
            codec = self._codec(width)
            if not movie_writer.supports_size(codec, width, height):
                raise InvalidRequest(
                    f"{codec} needs an even size, and the pictures are {width}x{height}",
                    where=f"output {output}",
                    next_step="choose the output format OpenEXR (output_format: exr)",
                )
            path = self._frame_path(output, frame)
            path.parent.mkdir(exist_ok=True)
            write_picture(path, picture, compression="zip")

    def finish(self, spaces: Mapping[str, str]) -> tuple[ResultOutput, ...]:
        paths = {output: self._task.folder / self._movie_name(output) for output in spaces}
        for output, path in paths.items():
            if not path.exists():
                self._assemble_movie(output, path)
        shutil.rmtree(self._task.folder / _MOVIE_FRAMES_FOLDER, ignore_errors=True)
        return tuple(
            self._describe_output(output, spaces[output], paths[output]) for output in spaces
        )

    def _describe_output(self, output: str, space: str, path: Path) -> ResultOutput:
        info = probe(path)
        return ResultOutput(
            name=output,
            pattern=path.name,
            range=_frame_range(self._task),
            colour_space=space,
            width=info.width,
            height=info.height,
            pixel_aspect=info.pixel_aspect,
            channels=info.channels,
            depth=info.depth,
        )

    def _assemble_movie(self, output: str, path: Path) -> None:
        first = read_picture(self._frame_path(output, self._task.frames[0]))
        write_movie(
            path,
            self._read_frames(output),
            codec=self._codec(first.display_window.width),
            rate=self._task.plate.range.rate,
            tags=self._tags,
            start_timecode=self._start_timecode,
            pixel_aspect=Fraction(first.pixel_aspect).limit_denominator(1000),
        )

    def _read_frames(self, output: str) -> Iterator[FloatArray]:
        for frame in self._task.frames:
            picture = read_picture(self._frame_path(output, frame))
            yield picture.fit_to_display(picture.rgb())

    def _codec(self, width: int) -> MovieCodec:
        if self._is_mp4:
            hevc = MovieCodec.HEVC_10 if self._bits <= 10 else MovieCodec.HEVC_12
            return MovieCodec.H264 if self._bits <= 8 else hevc
        # 4:2:2 needs an even width; 12 bits belong to the 4444 family, of which FFmpeg's encoder
        # writes 10.
        if width % 2 or self._bits > 10:
            return MovieCodec.PRORES_4444
        return MovieCodec.PRORES_422_HQ

    def _movie_name(self, output: str) -> str:
        return f"{output}.mp4" if self._is_mp4 else f"{output}.mov"

    def _frame_path(self, output: str, frame: int) -> Path:
        name = PICTURE_FILENAME.format(output=output, frame=frame, suffix=".exr")
        return self._task.folder / _MOVIE_FRAMES_FOLDER / name


def _lossless_compression(picture: Picture) -> str | None:
    """None (each part's own) if that is lossless, so that a version does not lose quality twice."""
    used = {part.header.get_string_attribute("compression") for part in picture.parts}
    return None if used <= _LOSSLESS_COMPRESSIONS else "zip"


def _frame_range(task: LocalTask) -> FrameRange:
    return FrameRange(first=task.frames[0], last=task.frames[-1], rate=task.plate.range.rate)


def _picture_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """The channels that show the picture. Others are copied from the plate and may hold any
    value, such as a depth of infinity."""
    rgb = channel_roles.find_beauty(channels)
    if rgb is None:
        grey = channel_roles.find_grey(channels)
        return tuple(channels) if grey is None else (channels[grey],)
    alpha = channel_roles.find_alpha(channels, channel_roles.split_channel(channels[rgb[0]])[0])
    return tuple(channels[index] for index in (*rgb, alpha) if index is not None)
