"""Escapes text from outside for a terminal or a log. Standard library only.

Names, notes and messages may contain anything. Control characters move the cursor, change colours,
set a window's title or type into the shell (ECMA-48); line breaks forge a line of the log; marks of
writing direction (Unicode Bidirectional Algorithm, UAX 9) disguise a name.
"""

from __future__ import annotations

import re

#: C0 and C1 controls, DEL, line and paragraph separators, explicit directions, byte order marks,
#: and lone surrogates, which no output can encode.
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"

_CONTROL = re.compile(f"[{CONTROLS}]")
_CONTROL_EXCEPT_LINE_BREAKS = re.compile(f"(?![\n\t])[{CONTROLS}]")


def escape_controls(text: str, *, keep_line_breaks: bool = False) -> str:
    """The text with control characters escaped (``\\x1b``); with ``lines``, line feeds and tabs
    are kept."""
    return (_CONTROL_EXCEPT_LINE_BREAKS if keep_line_breaks else _CONTROL).sub(_escape, text)


def escape_controls_in_json(text: str) -> str:
    """The same for JSON text, in which control characters below 0x20 are escaped already."""
    return _CONTROL_EXCEPT_LINE_BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
