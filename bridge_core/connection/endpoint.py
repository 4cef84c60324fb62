"""The URL and token of a gateway. A token's file must not be open to others."""

from __future__ import annotations

import os
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from bridge_core.errors import ConfigError, NotAuthorised

_LOOPBACK = re.compile(r"^(localhost|127\.[0-9.]+|::1)$")


@dataclass(frozen=True)
class Endpoint:
    """Where a gateway is. ``is_local``: this user's own, started by the launcher."""

    url: str
    token: str = field(repr=False)
    is_local: bool = False


def is_loopback(url: str) -> bool:
    try:
        return bool(_LOOPBACK.match(urllib.parse.urlsplit(url).hostname or ""))
    except ValueError:  # not a URL; the call will report it
        return False


def read_token(path: Path, *, forbidden_mode: int) -> str:
    """The token in a file.

    ``forbidden_mode``: mode bits that must not be set (POSIX), such as 0o077 for a file that only
    its owner may use.

    :raises NotAuthorised: others can use the file, or it belongs to neither this user nor root,
        so that its owner could impersonate the gateway.
    :raises ConfigError: it cannot be read, or contains no token.
    """
    try:
        file_stat = path.stat()
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"the token cannot be read: {error}"
        next_step = "check client.token_file, and that you may read it"
        raise ConfigError(message, where=str(path), next_step=next_step) from error
    if os.name == "posix" and file_stat.st_uid not in (os.geteuid(), 0):
        message = f"the token file belongs to another user, {file_stat.st_uid}"
        next_step = "change its owner to you or root, and have the token changed"
        raise NotAuthorised(message, where=str(path), next_step=next_step)
    if os.name == "posix" and file_stat.st_mode & forbidden_mode:
        raise NotAuthorised(
            f"others can use this token: the mode of its file is {file_stat.st_mode & 0o777:03o}",
            where=str(path),
            next_step=f"chmod {0o666 & ~forbidden_mode:03o} {path}, and have the token changed",
        )
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        next_step = "put the token into it, on one line"
        raise ConfigError("this file contains no token", where=str(path), next_step=next_step)
    return token
