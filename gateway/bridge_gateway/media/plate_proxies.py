"""Proxies of plates, made when somebody looks, and kept for the next look.

A proxy's name is a hash of everything that it shows: the file (path, size, time of change, or its
content's address), the frame, how the plate is to be read, and the settings of colour and proxies.
Whatever changes gives another name, so nothing old is ever shown. The least recently used go when
the folder holds more than its limit.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bridge_core.models.media import Plate, PlateKind
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_gateway.media import atomic
from bridge_gateway.media.colour import Colour
from bridge_gateway.media.plates import PlateReader
from bridge_gateway.media.proxies import write_proxy

#: Bytes; about 20,000 proxies of 960 pixels.
LIMIT = 2_000_000_000
#: What is left after making room.
_AFTER = 0.9
#: Movies kept open between two frames: a player asks for one frame after another.
_OPEN_MOVIES = 2


@dataclass(frozen=True)
class Source:
    """A file of a plate, found. ``stamp`` is another one whenever its bytes may be."""

    path: Path
    stamp: str


class PlateProxies:
    """Proxies in ``folder``. Safe to call from several threads; two that ask for the same frame
    at once both make it, and one of the two stays."""

    def __init__(
        self,
        folder: Path,
        colour: ColourSettings,
        proxies: ProxySettings,
        *,
        limit: int = LIMIT,
    ) -> None:
        self.folder = folder
        self._colour_settings = colour
        self._proxies = proxies
        self._limit = limit
        self._lock = threading.Lock()
        self._movies: OrderedDict[str, PlateReader] = OrderedDict()
        self._used: int | None = None

    def proxy(self, plate: Plate, source: Source, frame: int) -> Path:
        """The JPEG of a frame, numbered as in ``plate.range``.

        :raises MissingFrames: the movie has no such frame.
        :raises UnreadableMedia: damaged, truncated, not a picture.
        :raises UnknownColourSpace: nothing says which one it is.
        :raises StorageError: the proxy cannot be written.
        """
        path = self._place(plate, source, frame)
        with suppress(FileNotFoundError):
            os.utime(path)
            return path
        with self._reader(plate, source, frame) as reader:
            picture = reader.read(frame)
            tag = reader.colour_of(picture)
        space = self._colour.settle(plate, tag, source.path).space
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise atomic.storage_error(error, path) from error
        write_proxy(
            path,
            picture.framed(picture.rgb()),
            space,
            self._colour,
            self._proxies.width,
            self._proxies.quality,
            # A person may have put the plate's right where the file is wrong.
            pixel_aspect=plate.pixel_aspect if plate.pixel_aspect != 1 else picture.pixel_aspect,
        )
        self._count(path)
        return path

    def close(self) -> None:
        """Close the movies."""
        with self._lock:
            readers = list(self._movies.values())
            self._movies.clear()
        for reader in readers:
            reader.close()

    @cached_property
    def _colour(self) -> Colour:
        return Colour(self._colour_settings)

    def _place(self, plate: Plate, source: Source, frame: int) -> Path:
        colour = self._colour
        shown = [
            str(source.path),
            source.stamp,
            frame,
            # The path as the client has it, for a config's file rules go by it.
            plate.model_dump(mode="json", exclude={"range"}),
            plate.range.first,
            colour.describe_config(),
            [colour.display, colour.view, self._colour_settings.default_space],
            [self._proxies.width, self._proxies.quality],
        ]
        name = hashlib.sha256(json.dumps(shown).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.jpg"

    @contextmanager
    def _reader(self, plate: Plate, source: Source, frame: int) -> Iterator[PlateReader]:
        """A reader that nobody else has meanwhile; a movie's stays open for the next frame."""
        key = f"{source.path}\0{source.stamp}\0{plate.range.first}"
        with self._lock:
            reader = self._movies.pop(key, None)
        reader = reader or PlateReader(plate, {frame: source.path})
        if plate.kind is not PlateKind.MOVIE:
            with reader:
                yield reader
            return
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        too_many = []
        with self._lock:
            too_many.append(self._movies.pop(key, None))
            self._movies[key] = reader
            if len(self._movies) > _OPEN_MOVIES:
                too_many.append(self._movies.popitem(last=False)[1])
        for old in filter(None, too_many):
            old.close()

    def _count(self, made: Path) -> None:
        with self._lock:
            if self._used is None:
                self._used = sum(size for _, size, _ in self._scan())
            else:
                with suppress(FileNotFoundError):
                    self._used += made.stat().st_size
            if self._used <= self._limit:
                return
            files = sorted(self._scan())
            self._used = sum(size for _, size, _ in files)
            for _, size, path in files:
                if self._used <= self._limit * _AFTER or path == made:
                    break
                path.unlink(missing_ok=True)
                self._used -= size

    def _scan(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size, path."""
        for path in self.folder.rglob("*.jpg"):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
