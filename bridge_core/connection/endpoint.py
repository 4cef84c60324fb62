"""The URL and token of a gateway."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field

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
