"""The files of a plate as they lie on the disk now."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    Plate,
    PlateKind,
    SourceFile,
    frame_path,
    signed_frame_path,
    to_printf_pattern,
)

_DIGITS = re.compile(r"-?\d+")


def source_files(plate: Plate, frames: Iterable[int]) -> tuple[SourceFile, ...]:
    """The files that hold ``frames`` (in the plate's numbering), by frame; paths are absolute.

    A movie or a still is one file, whatever the frames. A sequence's folder is read once: asking
    for each frame by itself takes minutes on a server far away.

    :raises MissingFrames: names every frame that is not there.
    :raises UnreadableMedia: the folder may not be read, the movie or still is not there, or a frame
        below 0 is there twice.
    """
    if plate.kind is PlateKind.SEQUENCE:
        return _sequence_files(plate, sorted(set(frames)))
    frame = plate.range.first if plate.kind is PlateKind.STILL else None
    return (single_file(plate.path, frame=frame),)


def single_file(path: str, *, frame: int | None = None) -> SourceFile:
    """A movie, a still or a reference.

    :raises UnreadableMedia: it is not there, is no file, or may not be looked at.
    """
    absolute = path_as_on_disk(Path(path).expanduser().absolute())
    try:
        file_stat = absolute.stat()
    except OSError as error:
        raise UnreadableMedia(
            f"this file cannot be read: {error.strerror or error}",
            where=str(absolute),
            next_step="bring it online, or point to where it lies now",
        ) from error
    if not absolute.is_file():
        raise UnreadableMedia(
            "this is not a file",
            where=str(absolute),
            next_step="name a movie, a picture, or a sequence such as plate.%04d.exr",
        )
    return _source_file(str(absolute), file_stat, frame)


def frames_on_disk(pattern: str) -> tuple[int, ...]:
    """Numbers of the frames that a sequence's pattern (``plate.%04d.exr``) has on disk, ascending.

    :raises UnreadableMedia: the folder is not there or may not be read, or a frame below 0 is there
        twice.
    """
    absolute = Path(to_printf_pattern(pattern)).expanduser().absolute()
    try:
        return tuple(sorted(_scan_sequence(absolute)))
    except OSError as error:
        raise _unreadable_folder(absolute.parent, error) from error


def path_as_on_disk(path: Path) -> Path:
    """The path as the disk spells it: letters may be composed there in another way, as macOS does.

    A path that is there, and one that is not there in any spelling, is given back as it is.
    """
    if str(path).isascii() or path.exists():
        return path
    folder = path_as_on_disk(path.parent) if path.parent != path else path
    try:
        matches = [
            one
            for one in folder.iterdir()
            if comparable_name(one.name) == comparable_name(path.name)
        ]
    except OSError:
        return path
    return matches[0] if matches else path


def comparable_name(name: str) -> str:
    """What names have in common that mean one file: composed and decomposed letters are the same
    text (Unicode), and on Windows capitals are."""
    return os.path.normcase(name if name.isascii() else unicodedata.normalize("NFC", name))


def _sequence_files(plate: Plate, frames: list[int]) -> tuple[SourceFile, ...]:
    pattern = Path(plate.path).expanduser().absolute()
    frame_set = set(frames)
    files: dict[int, SourceFile] = {}
    try:
        for frame, entry in _scan_sequence(pattern, frame_set).items():
            files[frame] = _source_file(entry.path, entry.stat(), frame)
    except FileNotFoundError:
        pass  # a folder that is not there holds none of the frames; a file may go meanwhile
    except OSError as error:
        raise _unreadable_folder(pattern.parent, error) from error
    missing = [frame for frame in frames if frame not in files]
    if missing:
        raise MissingFrames.of(missing, where=str(pattern))
    return tuple(files[frame] for frame in frames)


def _scan_sequence(pattern: Path, frames: set[int] | None = None) -> dict[int, os.DirEntry[str]]:
    """The files of a sequence's frames (of those that are ``wanted``), by frame.

    :raises OSError: the folder cannot be read.
    :raises UnreadableMedia: a frame below 0 is there in both of its spellings.
    """
    head, _, tail = FRAME_NUMBER_PATTERN.sub(
        "\0", comparable_name(pattern.name), count=1
    ).partition("\0")
    entries_by_frame: dict[int, os.DirEntry[str]] = {}
    with os.scandir(path_as_on_disk(pattern.parent)) as entries:
        for entry in entries:
            name = comparable_name(entry.name)
            digits = name[len(head) : len(name) - len(tail)]
            if not (_DIGITS.fullmatch(digits) and name.startswith(head) and name.endswith(tail)):
                continue
            frame = int(digits)
            if frames is not None and frame not in frames:
                continue
            # Also holds the number of digits to what the pattern says.
            spellings = (frame_path(pattern.name, frame), signed_frame_path(pattern.name, frame))
            if (
                name not in [comparable_name(one) for one in spellings if one]
                or not entry.is_file()
            ):
                continue
            other = entries_by_frame.setdefault(frame, entry)
            if comparable_name(other.name) != name:
                raise duplicate_frame(frame, entry.path, other.path)
            if entry.name == spellings[0]:
                entries_by_frame[frame] = (
                    entry  # the same letters in two forms: the one that was asked for
                )
    return entries_by_frame


def duplicate_frame(frame: int, *paths: str) -> UnreadableMedia:
    """A frame below 0 that is there in both spellings."""
    names = " and ".join(sorted(Path(path).name for path in paths))
    return UnreadableMedia(
        f"frame {frame} is there twice, as {names}",
        where=str(Path(paths[0]).parent),
        next_step="remove one of them, or move it to another folder",
    )


def _unreadable_folder(folder: Path, error: OSError) -> UnreadableMedia:
    return UnreadableMedia(
        f"the plate's folder cannot be read: {error.strerror or error}",
        where=str(folder),
        next_step="check that it is online and that you may read it",
    )


def _source_file(path: str, file_stat: os.stat_result, frame: int | None) -> SourceFile:
    # Files from before 1970 exist, on restored tapes; their time only has to differ when they do.
    mtime = max(0, file_stat.st_mtime_ns)
    return SourceFile(path=path, frame=frame, size=file_stat.st_size, mtime_ns=mtime)
