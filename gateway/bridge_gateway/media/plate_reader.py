"""The frames of a plate, whether it is a sequence, a movie or a still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Self

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.media import MOVIE_EXTENSIONS, Plate, PlateKind
from bridge_gateway.media.colour import ColourTag
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.picture import Picture
from bridge_gateway.media.picture_colour_tag import read_colour_tag
from bridge_gateway.media.picture_reader import (
    PictureHeader,
    check_picture_header,
    read_for_proxy,
    read_picture,
)
from bridge_gateway.media.plate_info import PlateInfo, require_matching_rate


class PlateReader:
    """Reads a plate's frames by their number; a context manager, for one thread at a time.

    ``files`` maps each frame to its file, the same file for all frames of a movie or a still. A
    movie's first picture is ``plate.range.first``. A still shows the same picture at every frame.

    If a movie's rate differs from the plate's, reading raises InvalidRequest: see
    :func:`bridge_gateway.media.plate_info.require_matching_rate`.
    """

    def __init__(self, plate: Plate, files: Mapping[int, Path]) -> None:
        self._plate = plate
        self._files = dict(files)
        self._movie: MovieReader | None = None
        self._still: Picture | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._movie is not None:
            self._movie.close()
            self._movie = None

    def require_frames(self, frames: Iterable[int]) -> None:
        """Check before any work that these frames exist.

        :raises MissingFrames: with all missing frames, including those beyond a movie's end.
        :raises UnreadableMedia: the movie cannot be read.
        """
        missing = [frame for frame in frames if not self._has_frame(frame)]
        if missing:
            raise MissingFrames.of(missing, where=self._plate.path)

    def read(self, frame: int) -> Picture:
        """The picture of a frame, numbered as in ``plate.range``.

        :raises MissingFrames: no such frame.
        :raises UnreadableMedia: damaged, truncated, not a picture.
        """
        self.require_frames([frame])
        kind = self._plate.kind
        with self._plate_errors(frame):
            if kind is PlateKind.MOVIE:
                return self._open_movie().read(frame - self._plate.range.first)
            if kind is PlateKind.SEQUENCE:
                return read_picture(self._files[frame])
            if self._still is None:
                self._still = read_picture(self._single_file())
            return self._still

    def read_for_proxy(self, frame: int) -> Picture:
        """The picture of a frame, with at least what a proxy needs; see
        :func:`bridge_gateway.media.picture_reader.read_for_proxy`.

        :raises MissingFrames, UnreadableMedia: as :meth:`read`.
        """
        if self._plate.kind is PlateKind.MOVIE:
            return self.read(frame)
        self.require_frames([frame])
        with self._plate_errors(frame):
            return read_for_proxy(self._files[frame])

    def check_header(self, frame: int) -> PictureHeader | None:
        """Check a frame's header without reading pixels; None for a movie.

        :raises UnreadableMedia: not a picture, or not a supported one.
        """
        if self._plate.kind is not PlateKind.MOVIE:
            with self._plate_errors(frame):
                return check_picture_header(self._files[frame])
        return None

    def _plate_errors(self, frame: int) -> AbstractContextManager[None]:
        return _report_plate_path(self._plate, frame, self._files.get(frame) or self._single_file())

    def colour_tag(self, picture: Picture) -> ColourTag | None:
        """The colour tag of the file that ``picture`` was read from."""
        return self._movie.info.colour_tag if self._movie is not None else read_colour_tag(picture)

    def _has_frame(self, frame: int) -> bool:
        kind = self._plate.kind
        if kind is PlateKind.SEQUENCE:
            return frame in self._files and self._files[frame].is_file()
        if kind is PlateKind.MOVIE:
            return 0 <= frame - self._plate.range.first < self._open_movie().info.frame_count
        return self._single_file().is_file()

    def _open_movie(self) -> MovieReader:
        if self._movie is None:
            with self._plate_errors(self._plate.range.first):
                self._movie = MovieReader(self._single_file())
            info = self._movie.info
            require_matching_rate(self._plate, info.rate, info.frame_count)
        return self._movie

    def _single_file(self) -> Path:
        path = next(iter(self._files.values()), None)
        if path is None:
            raise MissingFrames.of(self._plate.range.frames(), where=self._plate.path)
        return path


def probe(source: Plate | Path, files: Mapping[int, Path] | None = None) -> PlateInfo:
    """The properties of the first frame, or of the movie. Reads one picture.

    ``source`` is a file, or a plate with its ``files`` (by default its own paths).

    :raises UnreadableMedia: it cannot be read.
    """
    if isinstance(source, Plate):
        first = source.range.first
        frame, path = min((files or {first: Path(source.path_at(first))}).items())
        # The kind depends on the plate's own path: an uploaded file is named by its hash here.
        with _report_plate_path(source, frame, path):
            return _file_info(path, is_movie=source.kind is PlateKind.MOVIE)
    return _file_info(source, is_movie=source.suffix.lower() in MOVIE_EXTENSIONS)


@contextmanager
def _report_plate_path(plate: Plate, frame: int, path: Path) -> Iterator[None]:
    """Make errors name the plate's own file and frame: an uploaded file is stored under its hash,
    a name that means nothing to the artist."""
    try:
        yield
    except UnreadableMedia as error:
        plate_path = plate.path_at(frame)
        # PureWindowsPath finds the name in paths of any system.
        name = PureWindowsPath(plate_path).name
        raise UnreadableMedia(
            error.message.replace(path.name, name),
            where=f"{plate_path}, frame {frame}",
            next_step=error.next_step,
            details={**error.details, "frame": frame},
        ) from error


def _file_info(path: Path, *, is_movie: bool) -> PlateInfo:
    if is_movie:
        with MovieReader(path) as movie:
            return movie.info
    picture = read_picture(path)
    rate = picture.main_part.header.getattribute("framesPerSecond")
    return PlateInfo(
        width=picture.display_window.width,
        height=picture.display_window.height,
        pixel_aspect=picture.pixel_aspect,
        channels=picture.main_part.channels,
        depth=picture.depth,
        start_timecode=picture.timecode,
        colour_tag=read_colour_tag(picture),
        frame_count=None,
        rate=Fraction(*rate) if isinstance(rate, tuple) and rate[1] else None,
        notes=picture.notes,
    )
