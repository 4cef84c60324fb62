"""Paths and URLs of media: as cuts write them, as plates, and in spellings to compare by."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from bridge_core.models.media import FRAME_NUMBER_PATTERN
from bridge_core.timeline.cut import ProblemKind, UnusableClipError
from bridge_core.timeline.document import JsonObject

#: An absolute path on Windows: a drive or a server.
_WINDOWS_PATH = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")
#: A URL with a scheme, or a path from a root, a drive or a server.
_ABSOLUTE_URL = re.compile(r"^(?:file:/|(?!file:)[A-Za-z][A-Za-z0-9+.-]+:|[A-Za-z]:[\\/]|/|\\\\)")
#: ``%04d`` must not be unquoted: it would become a control character.
_PRINTF_PADDING = re.compile(r"%(?=0\d+d)")


def url_to_path(url: str, folder: Path) -> str:
    """The path of a target URL.

    ``file:`` URLs and relative references are percent-decoded (OTIO writes both encoded), native
    absolute paths are not; ``%04d`` is never an escape. ``file://server/share`` and UNC paths keep
    their server, Windows paths stay Windows paths on every system.

    :raises UnusableClipError: the media is on the web.
    """
    if _WINDOWS_PATH.match(url) or url.startswith("//"):
        return url
    if url.startswith("file:"):
        host, path = "", url[len("file:") :]
        if path.startswith("//"):
            host, slash, path = path[2:].partition("/")
            path = _unescape(slash + path)
        if re.fullmatch(r"[A-Za-z]:", host):  # file://C:/..., which is wrong but common
            return host + path
        if host and host != "localhost":
            return f"//{host}{path}"
        return path[1:] if _WINDOWS_PATH.match(path[1:]) else _to_absolute(path, folder)
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+:", url):
        message = f"its media is at {url}, which is not a file"
        next_step = "download the media and relink the clip"
        raise UnusableClipError(ProblemKind.OFFLINE, message, next_step)
    if url.startswith("/"):
        return url
    return _to_absolute(_unescape(url), folder)


def _unescape(path: str) -> str:
    return unquote(_PRINTF_PADDING.sub("%25", path)) if "%" in path else path


def _to_absolute(path: str, folder: Path) -> str:
    return path if path.startswith("/") else str(folder / path)


def is_relative_url(url: object) -> bool:
    return isinstance(url, str) and _ABSOLUTE_URL.match(url) is None


def file_url(folder: str, inner: str = "") -> str:
    """The ``file:`` URL of a path below a folder, which may be of another operating system."""
    if _WINDOWS_PATH.match(folder):
        return (PureWindowsPath(folder) / inner).as_uri()
    return (PurePosixPath(Path(folder).absolute()) / inner).as_uri()


@lru_cache(maxsize=16384)
def media_path(path: str) -> str:
    """A plate's path in one spelling: forward slashes, any frame number pattern as ``#``."""
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    return folder + slash + FRAME_NUMBER_PATTERN.sub("#", name)


@lru_cache(maxsize=16384)
def media_key(path: str) -> str:
    """A plate's last folder and file name, any frame number pattern as ``#``.

    It is the same on every machine and in every format: roots differ between operating systems,
    and ``plate.%04d.exr``, ``plate.[1001-1100].exr`` and ``plate.1001.exr`` are one sequence.
    Plates with equal folder and file names share it; :func:`media_path` distinguishes them.
    """
    return "/".join(media_path(path).rsplit("/", 2)[-2:])


def sequence_pattern(reference: JsonObject, folder: Path) -> str:
    """An image sequence's pattern, its frame number as ``%04d``."""
    base = str(reference.get("target_url_base") or "")
    padding = int(reference.get("frame_zero_padding") or 0)
    number = f"%0{padding}d" if padding else "%d"
    name = f"{reference.get('name_prefix') or ''}{number}{reference.get('name_suffix') or ''}"
    if base and not base.endswith(("/", "\\")):
        base += "/"
    # Prefix and suffix are not percent-encoded, unlike the base URL.
    return url_to_path(base, folder).rstrip("/") + "/" + name if base else str(folder / name)
