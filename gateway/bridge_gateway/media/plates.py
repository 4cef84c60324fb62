"""The frames of a plate, whether it is a sequence, a movie or a still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Self

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.media import MOVIES, Plate, PlateKind
from bridge_gateway.media.colour import ColourTag
from bridge_gateway.media.header_tags import colour_tag
from bridge_gateway.media.movies import MovieReader
from bridge_gateway.media.parts import Picture
from bridge_gateway.media.pictures import examine_picture, read_picture, read_shown
from bridge_gateway.media.plate_facts import PlateFacts, require_rate


class PlateReader:
    """Reads a plate's frames by their number; a context manager, for one thread at a time.

    ``files`` gives the file of each frame; of a movie or a still the same for all. A movie's
    first picture is ``plate.range.first``. A still shows the same picture at every frame.

    Where a movie runs at another rate than the plate is counted at, its frames are others:
    reading raises InvalidRequest (:func:`bridge_gateway.media.plate_facts.require_rate`).
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

    def check(self, frames: Iterable[int]) -> None:
        """Find out before any work whether these frames are there.

        :raises MissingFrames: with all that are not, beyond a movie's end included.
        :raises UnreadableMedia: the movie.
        """
        missing = [frame for frame in frames if not self._has(frame)]
        if missing:
            raise MissingFrames.of(missing, where=self._plate.path)

    def read(self, frame: int) -> Picture:
        """The picture of a frame, numbered as in ``plate.range``.

        :raises MissingFrames: no such frame.
        :raises UnreadableMedia: damaged, truncated, not a picture.
        """
        self.check([frame])
        kind = self._plate.kind
        with self._named(frame):
            if kind is PlateKind.MOVIE:
                return self._opened().read(frame - self._plate.range.first)
            if kind is PlateKind.SEQUENCE:
                return read_picture(self._files[frame])
            if self._still is None:
                self._still = read_picture(self._only_file())
            return self._still

    def look(self, frame: int) -> Picture:
        """The picture of a frame with as much of it as a proxy shows, if not more; see
        :func:`bridge_gateway.media.picture_reader.read_shown`.

        :raises MissingFrames, UnreadableMedia: as :meth:`read`.
        """
        if self._plate.kind is PlateKind.MOVIE:
            return self.read(frame)
        self.check([frame])
        with self._named(frame):
            return read_shown(self._files[frame])

    def examine(self, frame: int) -> None:
        """Find out from its header whether a frame can be read; pixels are not looked at.

        :raises UnreadableMedia: no picture, or one that cannot be worked on.
        """
        if self._plate.kind is not PlateKind.MOVIE:
            with self._named(frame):
                examine_picture(self._files[frame])

    def _named(self, frame: int) -> AbstractContextManager[None]:
        return _named_as_in_plate(self._plate, frame, self._files.get(frame) or self._only_file())

    def colour_of(self, picture: Picture) -> ColourTag | None:
        """What the file of a picture that was read says of its colour."""
        return self._movie.facts.colour if self._movie is not None else colour_tag(picture)

    def _has(self, frame: int) -> bool:
        kind = self._plate.kind
        if kind is PlateKind.SEQUENCE:
            return frame in self._files and self._files[frame].is_file()
        if kind is PlateKind.MOVIE:
            return 0 <= frame - self._plate.range.first < self._opened().facts.count
        return self._only_file().is_file()

    def _opened(self) -> MovieReader:
        if self._movie is None:
            with self._named(self._plate.range.first):
                self._movie = MovieReader(self._only_file())
            facts = self._movie.facts
            require_rate(self._plate, facts.rate, facts.count)
        return self._movie

    def _only_file(self) -> Path:
        for path in self._files.values():
            return path
        raise MissingFrames.of(self._plate.range.frames(), where=self._plate.path)


def probe(source: Plate | Path, files: Mapping[int, Path] | None = None) -> PlateFacts:
    """What the first frame, or the movie, tells. Reads one picture.

    ``source`` is a file, or a plate whose ``files`` are given (else its own paths).

    :raises UnreadableMedia: it cannot be read.
    """
    if isinstance(source, Plate):
        first = source.range.first
        frame, path = min((files or {first: Path(source.file(first))}).items())
        # Its kind goes by its own path: a file that was sent is called by its content here.
        movie = source.kind is PlateKind.MOVIE
        with _named_as_in_plate(source, frame, path):
            return _movie_facts(path) if movie else _still_facts(path)
    movie = source.suffix.lower() in MOVIES
    return _movie_facts(source) if movie else _still_facts(source)


@contextmanager
def _named_as_in_plate(plate: Plate, frame: int, path: Path) -> Iterator[None]:
    """Errors name the plate's own file and its frame: what was sent by content is called by its
    hash here, a name that nobody knows."""
    try:
        yield
    except UnreadableMedia as error:
        theirs = plate.file(frame)
        # The name in a Windows path is found on any system.
        name = PureWindowsPath(theirs).name
        raise UnreadableMedia(
            error.what.replace(path.name, name),
            where=f"{theirs}, frame {frame}",
            next_step=error.next_step,
            details={**error.details, "frame": frame},
        ) from error


def _still_facts(path: Path) -> PlateFacts:
    picture = read_picture(path)
    rate = picture.main.header.getattribute("framesPerSecond")
    return PlateFacts(
        width=picture.display.width,
        height=picture.display.height,
        pixel_aspect=picture.pixel_aspect,
        channels=picture.main.channels,
        depth=picture.depth,
        start_timecode=picture.timecode,
        colour=colour_tag(picture),
        frames=None,
        rate=Fraction(*rate) if isinstance(rate, tuple) and rate[1] else None,
        notes=picture.notes,
    )


def _movie_facts(path: Path) -> PlateFacts:
    with MovieReader(path) as movie:
        facts = movie.facts
    return PlateFacts(
        width=facts.width,
        height=facts.height,
        pixel_aspect=facts.pixel_aspect,
        channels=facts.channels,
        depth=f"uint{facts.bits}",
        start_timecode=facts.start_timecode,
        colour=facts.colour,
        frames=facts.count,
        rate=facts.rate,
        notes=facts.notes,
    )
