"""Takes out of a text what nobody else may read. Standard library only.

Secrets are taken out of everything that is printed for people; a report that leaves the house also
loses who and where: :func:`without_people`.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

_HIDDEN = "[hidden]"

#: ``scheme://account:password@``; the account may be empty, as in Redis' addresses.
_IN_ADDRESS = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]{0,30}://[^\s/@:]*:)[^\s/@]+(?=@)", re.IGNORECASE
)
#: What follows these words in headers, queries, variables and command lines.
_NAMED = re.compile(
    r"(?P<before>(?:bearer|basic)\s+|"
    r"(?:token|secret|password|passwd|api[_-]?key|access[_-]?key|signature|credential)"
    r"(?![_-]?(?:file|path|dir))[\w.-]*[\"']?\s*[=:]\s*[\"']?)"
    r"(?!\[hidden\])[^\s\"'&,;)\]}]{4,}",
    re.IGNORECASE,
)
#: Keys that providers hand out and that say by their beginning what they are: AWS (AKIA, ASIA),
#: and the "sk-", "key_" kind.
_BY_BEGINNING = re.compile(r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|(?:sk|key|pk)[-_][A-Za-z0-9_-]{16,})\b")


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text without passwords, tokens and keys; ``known`` ones go wherever they stand."""
    for secret in known:
        if secret:
            text = text.replace(secret, _HIDDEN)
    text = _IN_ADDRESS.sub(rf"\g<before>{_HIDDEN}", text)
    text = _NAMED.sub(rf"\g<before>{_HIDDEN}", text)
    return _BY_BEGINNING.sub(_HIDDEN, text)


def without_people(text: str) -> str:
    """The text without this user's folder and name, and without the machine's name."""
    homes = {str(Path.home()), os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}
    for home in sorted(homes, key=len, reverse=True):
        if len(home) > 1:
            text = text.replace(home, "~")
    for name, instead in ((_login(), "[user]"), (platform.node(), "[machine]")):
        # A name of two letters would be found inside other words.
        if len(name) > 2:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", instead, text)
    return text


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody is known under this number
        return ""
