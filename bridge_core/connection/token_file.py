"""Tokens in files that only those may read whom they are for."""

from __future__ import annotations

import os
from pathlib import Path

from bridge_core.errors import ConfigError, NotAuthorised


def read_token(path: Path, *, forbidden_mode: int) -> str:
    """The token in a file.

    ``others``: bits of the mode that may not be set (POSIX), such as 0o077 for a file that only
    its owner may use.

    :raises NotAuthorised: others can use it, or it belongs to neither this user nor root: whoever
        writes a token could answer in the gateway's place.
    :raises ConfigError: it cannot be read, or holds no token.
    """
    try:
        file_stat = path.stat()
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the token cannot be read: {error}",
            where=str(path),
            next_step="check client.token_file, and that you may read it",
        ) from error
    mode = file_stat.st_mode
    if os.name == "posix" and file_stat.st_uid not in (os.geteuid(), 0):
        raise NotAuthorised(
            f"this token is another user's: the file belongs to user {file_stat.st_uid}",
            where=str(path),
            next_step="have the file given to you or to root, and the token changed",
        )
    if os.name == "posix" and mode & forbidden_mode:
        raise NotAuthorised(
            f"others can use this token: the file's mode is {mode & 0o777:03o}",
            where=str(path),
            next_step=f"chmod {0o666 & ~forbidden_mode:03o} {path}, and have the token changed",
        )
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise ConfigError(
            "this file holds no token",
            where=str(path),
            next_step="put the token into it, on a line of its own",
        )
    return token
