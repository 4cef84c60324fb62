"""Escapes untrusted text for a terminal or a log. Standard library only.

Names, notes and messages may contain anything. Control characters can move the cursor, change
colours, set a window's title or type into the shell (ECMA-48); line breaks can forge a line of a
log; bidirectional control characters (UAX 9) can disguise a name.
"""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, line and paragraph separators, bidirectional controls, byte order marks,
#: and lone surrogates, which cannot be encoded.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"

_CONTROL = re.compile(f"[{CONTROLS}]")
_CONTROL_EXCEPT_LINE_BREAKS = re.compile(f"(?![\n\t])[{CONTROLS}]")


def escape_controls(text: str, *, keep_line_breaks: bool = False) -> str:
    """The text with control characters escaped (``\\x1b``); with ``keep_line_breaks``, line feeds
    and tabs are kept."""
    return (_CONTROL_EXCEPT_LINE_BREAKS if keep_line_breaks else _CONTROL).sub(_escape, text)


def escape_controls_in_json(text: str) -> str:
    """As :func:`escape_controls`, for JSON, in which characters below 0x20 are already escaped."""
    return _CONTROL_EXCEPT_LINE_BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
