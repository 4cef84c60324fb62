"""The files of a plate as they lie on the disk now."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.media import Plate, PlateKind, SourceFile, frame_path, printf_pattern

_NUMBER = re.compile(r"%0?\d*d")
_DIGITS = re.compile(r"-?\d+")


def source_files(plate: Plate, frames: Iterable[int]) -> tuple[SourceFile, ...]:
    """The files that hold ``frames`` (in the plate's numbering), by frame; paths are absolute.

    A movie or a still is one file, whatever the frames. A sequence's folder is read once: asking
    for each frame by itself takes minutes on a server far away.

    :raises MissingFrames: names every frame that is not there.
    :raises UnreadableMedia: the folder may not be read, or the movie or still is not there.
    """
    if plate.kind is PlateKind.SEQUENCE:
        return _sequence(plate, sorted(set(frames)))
    frame = plate.range.first if plate.kind is PlateKind.STILL else None
    return (single_file(plate.path, frame=frame),)


def single_file(path: str, *, frame: int | None = None) -> SourceFile:
    """A movie, a still or a reference.

    :raises UnreadableMedia: it is not there, is no file, or may not be looked at.
    """
    whole = Path(path).expanduser().absolute()
    try:
        found = whole.stat()
    except OSError as error:
        raise UnreadableMedia(
            f"this file cannot be read: {error.strerror or error}",
            where=str(whole),
            next_step="bring it online, or point to where it lies now",
        ) from error
    if not whole.is_file():
        raise UnreadableMedia(
            "this is not a file",
            where=str(whole),
            next_step="name a movie, a picture, or a sequence such as plate.%04d.exr",
        )
    return _source(str(whole), found, frame)


def frames_on_disk(pattern: str) -> tuple[int, ...]:
    """Numbers of the frames that a sequence's pattern (``plate.%04d.exr``) has on disk, ascending.

    :raises UnreadableMedia: the folder is not there or may not be read.
    """
    whole = Path(printf_pattern(pattern)).expanduser().absolute()
    head, _, tail = _NUMBER.sub("\0", _same(whole.name), count=1).partition("\0")
    found: list[int] = []
    try:
        with os.scandir(whole.parent) as entries:
            for entry in entries:
                name = _same(entry.name)
                digits = name[len(head) : len(name) - len(tail)]
                if not _DIGITS.fullmatch(digits):
                    continue
                # Also holds the number of digits to what the pattern says.
                if _same(frame_path(whole.name, int(digits))) == name and entry.is_file():
                    found.append(int(digits))
    except OSError as error:
        raise _closed(whole.parent, error) from error
    return tuple(sorted(found))


def _sequence(plate: Plate, frames: list[int]) -> tuple[SourceFile, ...]:
    pattern = Path(plate.path).expanduser().absolute()
    wanted = {_same(frame_path(pattern.name, frame)): frame for frame in frames}
    found: dict[int, SourceFile] = {}
    try:
        with os.scandir(pattern.parent) as entries:
            for entry in entries:
                frame = wanted.get(_same(entry.name))
                if frame is not None and entry.is_file():
                    found[frame] = _source(entry.path, entry.stat(), frame)
    except FileNotFoundError:
        pass  # a folder that is not there holds none of the frames; a file may go meanwhile
    except OSError as error:
        raise _closed(pattern.parent, error) from error
    missing = [frame for frame in frames if frame not in found]
    if missing:
        raise MissingFrames.of(missing, where=str(pattern))
    return tuple(found[frame] for frame in frames)


def _closed(folder: Path, error: OSError) -> UnreadableMedia:
    return UnreadableMedia(
        f"the plate's folder cannot be read: {error.strerror or error}",
        where=str(folder),
        next_step="check that it is online and that you may read it",
    )


def _source(path: str, found: os.stat_result, frame: int | None) -> SourceFile:
    # Files from before 1970 exist, on restored tapes; their time only has to differ when they do.
    mtime = max(0, found.st_mtime_ns)
    return SourceFile(path=path, frame=frame, size=found.st_size, mtime_ns=mtime)


def _same(name: str) -> str:
    """A name as the file system compares it: without case on Windows, and on macOS without the
    difference between composed and decomposed letters."""
    if sys.platform == "darwin":
        return unicodedata.normalize("NFC", name)
    return os.path.normcase(name)
