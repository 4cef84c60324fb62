"""Plates and the files that they are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from bridge_core.models.base import StrictModel
from bridge_core.models.frames import FrameRange

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

#: Endings of files that hold many frames.
MOVIE_EXTENSIONS = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm"})

#: The frame number in a sequence's pattern, as in ``plate.%04d.exr``; the group is its width.
FRAME_NUMBER_PATTERN = re.compile(r"%0?(\d*)d")
#: Two or more are a frame number anywhere in a name, one only before a dot or an underscore:
#: ``take#1.png`` and ``logo@2x.png`` remain names.
_HASH_PATTERN = re.compile(r"(##+|@@+|(?<![#@])[#@](?=[._]))")
#: Houdini's ``$F4`` and ``$F``.
_HOUDINI_PATTERN = re.compile(r"\$F(\d?)(?![A-Za-z0-9])")
#: ``plate.[1001-1100].exr`` (Resolve), ``plate.1001-1100@@@@.exr`` and ``plate.1001-1100#.exr``
#: (OpenRV, where one ``#`` is four digits).
_RANGED_PATTERN = re.compile(
    r"\[(-?\d+)-(-?\d+)\]|((?:(?<![^._])-)?\d+)-(-?\d+)(?:x(\d+))?(#+|@+|%0?\d*d)"
)
#: Placeholders of other programs, which do not say how many digits the number has.
_UNSUPPORTED_PLACEHOLDER = re.compile(
    r"<(?:frame|f|udim)\d*>|\{frame[^}]*\}|%\(frame\)\d*d|\*", re.IGNORECASE
)
_DIGITS = re.compile(r"(-?\d+)(?=\D*$)")


class PlateKind(StrEnum):
    SEQUENCE = "sequence"
    MOVIE = "movie"
    STILL = "still"


class Plate(StrictModel):
    """The source pictures of a shot.

    ``path`` is a movie, a single picture, or the pattern of a sequence with one frame number in
    it, as ``%04d`` (other spellings become that, see :func:`printf_pattern`). ``range`` is what
    exists, in the files' own numbering; a movie's first frame is ``range.first``.
    """

    path: str = Field(min_length=1)
    range: FrameRange
    colour_space: str | None = None
    """A name from the studio's OCIO config; None: the config's file rules decide."""
    width: int | None = Field(default=None, gt=0, le=65536)
    height: int | None = Field(default=None, gt=0, le=65536)
    pixel_aspect: float = Field(default=1.0, gt=0, le=100)
    start_timecode: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _normalise_pattern(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("path"), str):
            return {**data, "path": to_printf_pattern(data["path"])}
        return data

    @model_validator(mode="after")
    def _validate_pattern(self) -> Self:
        widths = _frame_number_widths(_split_path(self.path)[1])
        if len(widths) > 1:
            raise ValueError("a sequence's name holds one frame number only")
        if "\0" in self.path:
            raise ValueError("a path holds no null character")
        if widths and int(widths[0] or 0) > 20:
            raise ValueError("a frame number has at most 20 digits")
        if not widths and self.range.count != 1 and self.kind is PlateKind.STILL:
            raise ValueError(
                f"{self.path} is one picture, but the range {self.range} holds "
                f"{self.range.count}; a sequence needs a frame number such as %04d"
            )
        return self

    @property
    def kind(self) -> PlateKind:
        name = _split_path(self.path)[1]
        if file_extension(name) in MOVIE_EXTENSIONS:
            return PlateKind.MOVIE
        return PlateKind.SEQUENCE if _frame_number_widths(name) else PlateKind.STILL

    def path_at(self, frame: int) -> str:
        """The file that holds a frame; for a movie or a still, always the same one."""
        return frame_path(self.path, frame)


def to_printf_pattern(path: str) -> str:
    """A sequence's pattern with its frame number as ``%04d``; any other path as it is.

    Takes ``plate.####.exr``, ``plate.@@@@.exr``, Houdini's ``plate.$F4.exr``, and names with their
    range, see :func:`ranged_pattern`. A movie's name is a name, whatever is in it.
    """
    if not any(mark in path for mark in "#@$[-"):
        return path
    folder, name = _split_path(path)
    if file_extension(name) in MOVIE_EXTENSIONS:
        return path
    ranged = parse_ranged_pattern(path)
    if ranged:
        return ranged[0]
    if FRAME_NUMBER_PATTERN.search(name):
        return path
    for marks in (_HASH_PATTERN, _HOUDINI_PATTERN):
        runs = marks.findall(name)
        if len(runs) == 1:
            width = len(runs[0]) if marks is _HASH_PATTERN else int(runs[0] or 1)
            return folder + marks.sub(f"%0{width}d", name)
    return path


def parse_ranged_pattern(path: str) -> tuple[str, int, int] | None:
    """Pattern, first and last frame of a name that holds them; None for other names, and movies.

    ``plate.[1001-1100].exr``, ``plate.1001-1100@@@@.exr`` and ``plate.1001-1100#.exr``, each with
    ``plate.%04d.exr``.

    :raises ValueError: the name has a frame step (``1001-1100x2@@@@``).
    """
    if "-" not in path:
        return None
    folder, name = _split_path(path)
    match = _RANGED_PATTERN.search(name)
    if match is None or file_extension(name) in MOVIE_EXTENSIONS:
        return None
    if match[1]:
        first, last, width = match[1], match[2], len(match[1])
    else:
        first, last, marks = match[3], match[4], match[6]
        if int(match[5] or 1) != 1:
            raise ValueError(f"{name} names a sequence with a frame step of {match[5]}")
        # In OpenRV one # is four digits; %04d says it itself.
        printf = FRAME_NUMBER_PATTERN.fullmatch(marks)
        width = int(printf[1] or 1) if printf else 4 if marks == "#" else len(marks)
    return (
        folder + name[: match.start()] + f"%0{width}d" + name[match.end() :],
        int(first),
        int(last),
    )


def unsupported_placeholder(path: str) -> str | None:
    """The placeholder in a sequence's name that does not say which files it means: ``<frame>``,
    ``*``. None for every name that is understood, and for movies."""
    name = _split_path(path)[1]
    match = (
        None if file_extension(name) in MOVIE_EXTENSIONS else _UNSUPPORTED_PLACEHOLDER.search(name)
    )
    return match[0] if match else None


def detect_pattern(path: str) -> tuple[str, int] | None:
    """Pattern and frame number of one file of a sequence: the last number in its name.

    ``sc_010.1001.exr`` gives ``("sc_010.%04d.exr", 1001)``; a name without a number, None.
    """
    folder, name = _split_path(path)
    stem, dot, ending = name.rpartition(".")
    match = _DIGITS.search(stem if dot else name)
    if match is None:
        return None
    digits = match[1]
    # In "shot-0010" the dash separates; in "shot.-010" it is a minus.
    if digits.startswith("-") and match.start() > 0 and stem[match.start() - 1] not in "._":
        start, digits = match.start() + 1, digits[1:]
    else:
        start = match.start()
    width = len(digits)
    text = stem if dot else name
    pattern = text[:start] + f"%0{width}d" + text[match.end() :]
    return folder + pattern + (dot + ending if dot else ""), int(digits)


def frame_path(pattern: str, frame: int) -> str:
    """A pattern with its frame number filled in; a path without one as it is."""
    return frame_paths(pattern, [frame])[0]


def frame_paths(pattern: str, frames: Iterable[int]) -> list[str]:
    """:func:`frame_path` of each of many frames, read once."""
    folder, name = _split_path(pattern)
    match = None if file_extension(name) in MOVIE_EXTENSIONS else FRAME_NUMBER_PATTERN.search(name)
    if match is None:
        return [pattern for _ in frames]
    before, after, width = folder + name[: match.start()], name[match.end() :], int(match[1] or 1)
    return [f"{before}{frame:0{width}d}{after}" for frame in frames]


def signed_frame_path(pattern: str, frame: int) -> str | None:
    """The other spelling of a file below 0, its sign before all digits: ``plate.-0002.exr``.

    Houdini and OTIO's ``target_url_for_image_number`` write it so, where ``%04d`` gives ``-002``.
    None for frames from 0 on, and where both spellings are one.
    """
    if frame >= 0:
        return None
    folder, name = _split_path(pattern)
    signed = folder + FRAME_NUMBER_PATTERN.sub(
        lambda found: f"-{-frame:0{int(found[1] or 1)}d}", name, count=1
    )
    return signed if signed != frame_path(pattern, frame) else None


@lru_cache(maxsize=16384)
def file_extension(path: str) -> str:
    """``.exr`` of ``plate.EXR``, also of a Windows path on another system; empty without one."""
    stem, dot, ending = _split_path(path)[1].rpartition(".")
    return dot + ending.lower() if stem else ""


def _split_path(path: str) -> tuple[str, str]:
    """Folder (with its separator) and name; a frame number stands in the name only."""
    cut = max(path.rfind("/"), path.rfind("\\")) + 1
    return path[:cut], path[cut:]


def _frame_number_widths(name: str) -> list[str]:
    """The widths of the frame numbers in a name; a movie's has none."""
    return [] if file_extension(name) in MOVIE_EXTENSIONS else FRAME_NUMBER_PATTERN.findall(name)


class SourceFile(StrictModel):
    """One file of a plate or reference, as it was when the client looked at it.

    ``sha256`` is set where the bytes were sent by content address; without it the gateway reads
    ``path`` itself, and ``size`` (bytes) and ``mtime_ns`` prove that it is the same file.
    """

    path: str = Field(min_length=1)
    frame: int | None = None
    """The frame that the file holds; None for a movie or a reference."""
    size: int = Field(ge=0)
    mtime_ns: int = Field(ge=0)
    sha256: Sha256 | None = None


class ContentAddress(StrictModel):
    """Bytes by what they are."""

    sha256: Sha256
    size: int = Field(ge=0)


class ContentState(StrictModel):
    """How much of some content the gateway holds; an upload goes on at ``offset`` bytes."""

    sha256: Sha256
    offset: int = Field(ge=0)
    complete: bool
