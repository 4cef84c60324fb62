"""The name of the user that this process runs as."""

from __future__ import annotations

import getpass


def login_name() -> str:
    """The login name; empty if the user id has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # ImportError: Windows without USERNAME
        return ""
