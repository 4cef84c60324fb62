"""Removes secrets and identities from text. Standard library only.

Secrets are removed from everything that is printed. Reports that are sent to others are also passed
to :func:`redact_identity`.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from bridge_core.text.person_names import login_name

_REDACTED = "[hidden]"

_SCHEME = r"[a-z][a-z0-9+.-]{0,30}://"
#: A URL, which may have a login: ``scheme://account:password@``. It is matched as a whole, up to
#: the next URL in a list or a query: matching the ``@`` here would take minutes in a long text.
_URL = re.compile(
    rf"(?P<scheme>\b{_SCHEME})(?P<rest>(?:(?![,;|=&({{\[]{_SCHEME})[^\s\"'<>])+)", re.IGNORECASE
)
#: The value after these names in headers, queries, variables and command lines.
_NAMED_SECRET = re.compile(
    r"(?P<before>(?:bearer|basic)\s+|"
    r"(?:token|secret|password|passwd|api[_-]?key|access[_-]?key|signature|credential)"
    r"(?![_-]?(?:file|path|dir))[\w.-]*[\"']?\s*[=:]\s*[\"']?)"
    r"(?!\[hidden\])[^\s\"'&,;)\]}]{4,}",
    re.IGNORECASE,
)
#: Keys with a known prefix: AWS, Google, Luma; "sk-" and "key_" of many services; GitHub, GitLab,
#: Hugging Face, Replicate, NVIDIA, Slack; and JSON Web Tokens.
_KEY_WITH_PREFIX = re.compile(
    r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}\b|AIza[\w-]{30,}|luma-[0-9a-f-]{30,}|"
    r"(?:sk|key|pk|gh[oprsu]|github_pat|glpat|hf|r8|nvapi|xox[a-z])[-_][\w-]{16,}|"
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)"
)


def redact_secrets(text: str) -> str:
    """The text without passwords, tokens and keys."""
    text = _URL.sub(_redact_login, text)
    text = _NAMED_SECRET.sub(rf"\g<before>{_REDACTED}", text)
    return _KEY_WITH_PREFIX.sub(_REDACTED, text)


def _redact_login(match: re.Match[str]) -> str:
    """The URL without its password; without a colon, the login may be a token. A password may
    contain ``/`` and ``@``, so everything up to the last ``@`` is removed: rather too much than
    too little. An ``@`` in the path of a URL without a port does not end a login."""
    login, at, host_and_path = match["rest"].rpartition("@")
    account, colon, _ = login.partition(":")
    if not at or "/" in account:
        return match[0]
    return f"{match['scheme']}{account + colon if colon else ''}{_REDACTED}@{host_and_path}"


def redact_identity(text: str) -> str:
    """The text without this user's name and home folder, and without the machine's name."""
    homes = {str(Path.home()), os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}
    for home in sorted(homes, key=len, reverse=True):
        if len(home) > 1:
            text = text.replace(home, "~")
    for name, replacement in ((login_name(), "[user]"), (platform.node(), "[machine]")):
        # Very short names would match too much.
        if len(name) > 2:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", replacement, text)
    return text
