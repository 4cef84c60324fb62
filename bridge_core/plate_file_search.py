"""Finds the files of a plate on disk."""

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
from bridge_core.system.files import unreadable_media

_DIGITS = re.compile(r"-?\d+")


def source_files(plate: Plate, frames: Iterable[int]) -> tuple[SourceFile, ...]:
    """The files of ``frames`` (in the plate's frame numbers), by frame; paths are absolute.

    A movie or a still is one file. The folder of a sequence is listed once: one query per frame
    takes minutes on a remote server.

    :raises MissingFrames: frames do not exist; it lists all of them.
    :raises UnreadableMedia: the folder cannot be read, the movie or still does not exist, or a
        negative frame exists twice.
    """
    if plate.kind is PlateKind.SEQUENCE:
        return _sequence_files(plate, sorted(set(frames)))
    frame = plate.range.first if plate.kind is PlateKind.STILL else None
    return (single_file(plate.path, frame=frame),)


def single_file(path: str, *, frame: int | None = None) -> SourceFile:
    """A movie, a still or a reference.

    :raises UnreadableMedia: it does not exist, is not a file, or is not accessible.
    """
    absolute = path_as_on_disk(Path(path).expanduser().absolute())
    try:
        file_stat = absolute.stat()
    except OSError as error:
        raise unreadable_media(error, absolute) from error
    if not absolute.is_file():
        next_step = "give a movie, a picture, or a sequence such as plate.%04d.exr"
        raise UnreadableMedia("this is not a file", where=str(absolute), next_step=next_step)
    return _source_file(str(absolute), file_stat, frame)


def frames_on_disk(pattern: str) -> tuple[int, ...]:
    """The frame numbers that exist on disk for a pattern (``plate.%04d.exr``), in ascending order.

    :raises UnreadableMedia: the folder does not exist or cannot be read, or a negative frame exists
        twice.
    """
    absolute = Path(to_printf_pattern(pattern)).expanduser().absolute()
    try:
        return tuple(sorted(_scan_sequence(absolute)))
    except OSError as error:
        raise unreadable_media(error, absolute.parent) from error


def path_as_on_disk(path: Path) -> Path:
    """The path as it is on disk, which may use another Unicode normalisation, as on macOS.

    A path that exists as given, or in no form, is returned unchanged.
    """
    if str(path).isascii() or path.exists():
        return path
    folder = path_as_on_disk(path.parent) if path.parent != path else path
    name = comparable_name(path.name)
    try:
        matches = [entry for entry in folder.iterdir() if comparable_name(entry.name) == name]
    except OSError:
        return path
    return matches[0] if matches else path


def comparable_name(name: str) -> str:
    """A form of a file name to compare by: Unicode normalised, and on Windows case-folded."""
    return os.path.normcase(name if name.isascii() else unicodedata.normalize("NFC", name))


def _sequence_files(plate: Plate, frames: list[int]) -> tuple[SourceFile, ...]:
    pattern = Path(plate.path).expanduser().absolute()
    frame_set = set(frames)
    files: dict[int, SourceFile] = {}
    try:
        for frame, entry in _scan_sequence(pattern, frame_set).items():
            files[frame] = _source_file(entry.path, entry.stat(), frame)
    except FileNotFoundError:
        pass  # the folder does not exist, or a file was removed meanwhile
    except OSError as error:
        raise unreadable_media(error, pattern.parent) from error
    missing = [frame for frame in frames if frame not in files]
    if missing:
        raise MissingFrames.of(missing, where=str(pattern))
    return tuple(files[frame] for frame in frames)


def _scan_sequence(pattern: Path, frames: set[int] | None = None) -> dict[int, os.DirEntry[str]]:
    """The files of a sequence by frame; with ``frames``, only of those.

    :raises OSError: the folder cannot be read.
    :raises UnreadableMedia: a negative frame exists under both of its names.
    """
    name = comparable_name(pattern.name)
    head, _, tail = FRAME_NUMBER_PATTERN.sub("\0", name, count=1).partition("\0")
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
            # This also checks the number of digits.
            spellings = (frame_path(pattern.name, frame), signed_frame_path(pattern.name, frame))
            comparable = [comparable_name(spelling) for spelling in spellings if spelling]
            if name not in comparable or not entry.is_file():
                continue
            other = entries_by_frame.setdefault(frame, entry)
            if comparable_name(other.name) != name:
                raise duplicate_frame(frame, entry.path, other.path)
            if entry.name == spellings[0]:
                # The same name in two Unicode forms: prefer the exact one.
                entries_by_frame[frame] = entry
    return entries_by_frame


def duplicate_frame(frame: int, *paths: str) -> UnreadableMedia:
    """The error for a negative frame that exists under both of its names."""
    names = " and ".join(sorted(Path(path).name for path in paths))
    message = f"frame {frame} exists twice, as {names}"
    next_step = "remove one of them, or move it to another folder"
    return UnreadableMedia(message, where=str(Path(paths[0]).parent), next_step=next_step)


def _source_file(path: str, file_stat: os.stat_result, frame: int | None) -> SourceFile:
    # Files restored from tape may be from before 1970; the time only has to change with the file.
    mtime = max(0, file_stat.st_mtime_ns)
    return SourceFile(path=path, frame=frame, size=file_stat.st_size, mtime_ns=mtime)
