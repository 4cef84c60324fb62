"""The token that clients prove themselves with."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from bridge_core.errors import ConfigError
from bridge_core.system.files import atomic_write_bytes, storage_errors

_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9._~+/=-]{20,500}")


def load_or_create_token(path: Path) -> str:
    """Read the token from a file; create the file with a new token if it does not exist.

    A studio may give it to a group by mode 0640, which clients accept; the client that starts a
    local gateway requires 0600.

    :raises ConfigError: the file belongs to neither this user nor root, others may read it, its
        group may write it, or it holds no token.
    """
    if not path.exists():
        with storage_errors(path.parent):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write_bytes(path, f"{secrets.token_urlsafe(32)}\n".encode(), mode=0o600)
    with storage_errors(path):
        stat_result = path.stat()
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    mode = stat_result.st_mode
    if os.name == "posix" and stat_result.st_uid not in (os.geteuid(), 0):
        raise ConfigError(
            f"the token file belongs to another user: {stat_result.st_uid}",
            where=str(path),
            next_step="make the gateway's user or root the owner of the file, and change the token",
        )
    if os.name == "posix" and mode & 0o027:
        raise ConfigError(
            f"other users can access the token file: its mode is {mode & 0o777:03o}",
            where=str(path),
            next_step=f"chmod 600 {path} (640 for a group that uses this gateway), and change the "
            "token if another user may have read it",
        )
    if not _TOKEN_PATTERN.fullmatch(text):
        raise ConfigError(
            "there is no token in the token file: 20 characters or more, letters, digits and "
            "._~+/=- only",
            where=str(path),
            next_step="remove the file; the next start creates a new token",
        )
    return text
