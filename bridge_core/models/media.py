"""Plates, their files, and the patterns of file sequences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from bridge_core.models.base import StrictModel
from bridge_core.models.frames import FrameRange

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

#: Extensions of files that contain many frames.
MOVIE_EXTENSIONS = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm"})
#: Extensions of files that hold a single picture.
PICTURE_EXTENSIONS = frozenset(
    {".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".sgi", ".hdr"}
    | {".bmp", ".webp", ".jp2", ".j2c", ".psd"}
)

#: The frame number in a sequence's pattern, as in ``plate.%04d.exr``; the group is its width.
FRAME_NUMBER_PATTERN = re.compile(r"%0?(\d*)d")
#: Two or more are a frame number anywhere in a name, a single one only before a dot or an
#: underscore: ``take#1.png`` and ``logo@2x.png`` are plain names.
_HASH_PATTERN = re.compile(r"(##+|@@+|(?<![#@])[#@](?=[._]))")
#: Houdini's ``$F4`` and ``$F``.
_HOUDINI_PATTERN = re.compile(r"\$F(\d?)(?![A-Za-z0-9])")
#: ``plate.[1001-1100].exr`` (Resolve), ``plate.1001-1100@@@@.exr`` and ``plate.1001-1100#.exr``
#: (OpenRV, where one ``#`` is four digits).
_RANGED_PATTERN = re.compile(
    r"\[(-?\d+)-(-?\d+)\]|((?:(?<![^._])-)?\d+)-(-?\d+)(?:x(\d+))?(#+|@+|%0?\d*d)"
)
#: Placeholders of other programs, which do not give the number of digits.
_UNSUPPORTED_PLACEHOLDER = re.compile(
    r"<(?:frame|f|udim)\d*>|\{frame[^}]*\}|%\(frame\)\d*d|\*", re.IGNORECASE
)
#: The path of a sequence with nothing unusual.
_PLAIN_SEQUENCE = re.compile(r"[^%\0]*%0\dd[^%\0/\\]*")
#: Characters of which every notation but ``%04d`` has one.
_MAYBE_PATTERN = re.compile(r"[#@$\[-]")
_DIGITS = re.compile(r"(-?\d+)(?=\D*$)")


class PlateKind(StrEnum):
    SEQUENCE = "sequence"
    MOVIE = "movie"
    STILL = "still"


class Plate(StrictModel):
    """The source pictures of a shot.

    ``path`` is a movie, a single picture, or the pattern of a sequence with one frame number, as
    ``%04d`` (other notations are converted, see :func:`to_printf_pattern`). ``range`` is what
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
        check_plate_path(self.path, self.range.first, self.range.last)
        return self

    @property
    def kind(self) -> PlateKind:
        return plate_kind(self.path)

    def path_at(self, frame: int) -> str:
        """The file of a frame; for a movie or a still, always the same one."""
        return frame_path(self.path, frame)


def plate_kind(path: str) -> PlateKind:
    """What a plate's path is, its frame number as ``%04d``."""
    name = split_path(path)[1]
    if is_movie(name):
        return PlateKind.MOVIE
    return PlateKind.SEQUENCE if _frame_number_widths(name) else PlateKind.STILL


def check_plate_path(path: str, first: int, last: int) -> None:
    """Check a plate's path, its frame number as ``%04d``, for frames ``first`` to ``last``.

    :raises ValueError: the path cannot be that of these frames.
    """
    if _PLAIN_SEQUENCE.fullmatch(path):
        return
    name = split_path(path)[1]
    widths = _frame_number_widths(name)
    if len(widths) > 1:
        raise ValueError("a sequence's name must have one frame number only")
    if "\0" in path:
        raise ValueError("a path must not contain a null character")
    if widths and int(widths[0] or 0) > 20:
        raise ValueError("a frame number must have at most 20 digits")
    if not widths and first != last and not is_movie(name):
        raise ValueError(
            f"{path} is one picture, but the range {first}-{last} has "
            f"{last - first + 1} frames; a sequence needs a frame number such as %04d"
        )


def to_printf_pattern(path: str) -> str:
    """The pattern of a sequence with its frame number as ``%04d``; other paths unchanged.

    Accepts ``plate.####.exr``, ``plate.@@@@.exr``, Houdini's ``plate.$F4.exr``, and names that
    include their range, see :func:`parse_ranged_pattern`. Names of movies are never patterns.
    """
    if _MAYBE_PATTERN.search(path) is None:
        return path
    folder, name = split_path(path)
    if is_movie(name):
        return path
    ranged = parse_ranged_pattern(path)
    if ranged:
        return ranged[0]
    if FRAME_NUMBER_PATTERN.search(name):
        return path
    for placeholder in (_HASH_PATTERN, _HOUDINI_PATTERN):
        runs = placeholder.findall(name)
        if len(runs) == 1:
            width = len(runs[0]) if placeholder is _HASH_PATTERN else int(runs[0] or 1)
            return folder + placeholder.sub(f"%0{width}d", name)
    return path


def parse_ranged_pattern(path: str) -> tuple[str, int, int] | None:
    """Pattern, first and last frame of a name that includes its range; else None. Not for movies.

    ``plate.[1001-1100].exr``, ``plate.1001-1100@@@@.exr`` and ``plate.1001-1100#.exr`` all have
    the pattern ``plate.%04d.exr``.

    :raises ValueError: the name has a frame step (``1001-1100x2@@@@``).
    """
    if "-" not in path:
        return None
    folder, name = split_path(path)
    match = _RANGED_PATTERN.search(name)
    if match is None or is_movie(name):
        return None
    if match[1]:
        first, last, width = match[1], match[2], len(match[1])
    else:
        first, last, placeholder = match[3], match[4], match[6]
        if int(match[5] or 1) != 1:
            raise ValueError(f"{name} is a sequence with a frame step of {match[5]}")
        # In OpenRV one # is four digits.
        printf = FRAME_NUMBER_PATTERN.fullmatch(placeholder)
        hashes = 4 if placeholder == "#" else len(placeholder)
        width = int(printf[1] or 1) if printf else hashes
    pattern = folder + name[: match.start()] + f"%0{width}d" + name[match.end() :]
    return pattern, int(first), int(last)


def unsupported_placeholder(path: str) -> str | None:
    """The placeholder in a sequence's name that is not supported, such as ``<frame>`` or ``*``;
    None for other names and for movies."""
    name = split_path(path)[1]
    if is_movie(name):
        return None
    match = _UNSUPPORTED_PLACEHOLDER.search(name)
    return match[0] if match else None


def detect_pattern(path: str) -> tuple[str, int] | None:
    """Pattern and frame number of a file of a sequence, from the last number in its name.

    ``("sc_010.%04d.exr", 1001)`` for ``sc_010.1001.exr``; None for a name without a number.
    """
    folder, name = split_path(path)
    stem, dot, ending = name.rpartition(".")
    if not dot:
        stem, ending = name, ""
    match = _DIGITS.search(stem)
    if match is None:
        return None
    start, digits = match.start(), match[1]
    # In "shot-0010" the dash is a separator; in "shot.-010" it is a minus sign.
    if digits.startswith("-") and start > 0 and stem[start - 1] not in "._":
        start, digits = start + 1, digits[1:]
    pattern = f"{stem[:start]}%0{len(digits)}d{stem[match.end() :]}"
    return f"{folder}{pattern}{dot}{ending}", int(digits)


def frame_path(pattern: str, frame: int) -> str:
    """A pattern with its frame number filled in; a path without one unchanged."""
    return frame_paths(pattern, [frame])[0]


def frame_paths(pattern: str, frames: Iterable[int]) -> list[str]:
    """As :func:`frame_path`, for many frames; the pattern is parsed once."""
    folder, name = split_path(pattern)
    match = None if is_movie(name) else FRAME_NUMBER_PATTERN.search(name)
    if match is None:
        return [pattern for _ in frames]
    before, after, width = folder + name[: match.start()], name[match.end() :], int(match[1] or 1)
    return [f"{before}{frame:0{width}d}{after}" for frame in frames]


def signed_frame_path(pattern: str, frame: int) -> str | None:
    """The alternative name of a negative frame, with the sign before all digits:
    ``plate.-0002.exr``.

    Houdini and OTIO's ``target_url_for_image_number`` write it so, where ``%04d`` gives ``-002``.
    None for frames from 0 on, and if both names are the same.
    """
    if frame >= 0:
        return None
    folder, name = split_path(pattern)
    signed = folder + FRAME_NUMBER_PATTERN.sub(
        lambda found: f"-{-frame:0{int(found[1] or 1)}d}", name, count=1
    )
    return signed if signed != frame_path(pattern, frame) else None


def file_extension(path: str) -> str:
    """``.exr`` for ``plate.EXR``, also for a Windows path on another system; may be empty."""
    dot = path.rfind(".")
    if dot <= max(path.rfind("/"), path.rfind("\\")) + 1:
        return ""  # a dot in a folder's name, or at the start of the file's
    return path[dot:].lower()


def is_movie(path: str) -> bool:
    """Whether a file contains many frames, by its extension."""
    return file_extension(path) in MOVIE_EXTENSIONS


def split_path(path: str) -> tuple[str, str]:
    """Folder (with its separator) and name; only the name can have a frame number."""
    cut = path.rfind("/") + 1
    if "\\" in path:
        cut = max(cut, path.rfind("\\") + 1)
    return path[:cut], path[cut:]


def _frame_number_widths(name: str) -> list[str]:
    """The widths of the frame numbers in a name; none for a movie."""
    return [] if is_movie(name) else FRAME_NUMBER_PATTERN.findall(name)


class SourceFile(StrictModel):
    """One file of a plate, a reference or a matte, as the client found it.

    ``sha256`` is set if the content was uploaded; otherwise the gateway reads ``path`` itself, and
    checks by ``size`` (bytes) and ``mtime_ns`` that the file has not changed.
    """

    path: str = Field(min_length=1)
    frame: int | None = None
    """The frame in the file; None for a movie or a reference."""
    size: int = Field(ge=0)
    mtime_ns: int = Field(ge=0)
    sha256: Sha256 | None = None


class ContentAddress(StrictModel):
    """Identifies content by its hash and size."""

    sha256: Sha256
    size: int = Field(ge=0)


class ContentState(StrictModel):
    """How much of some content the gateway has; an upload continues at ``offset`` bytes."""

    sha256: Sha256
    offset: int = Field(ge=0)
    complete: bool
