"""Parse OTIO's JSON as OTIO does, and replace text that cannot be written again."""

from __future__ import annotations

import json
import re
from typing import Any

from bridge_core.system.pacing import make_pause

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
#: An escaped surrogate, lone or of a pair.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: Strings, which are skipped, and OTIO's short infinity.
_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*"|\b(Inf)\b')


def decode_json(data: bytes) -> tuple[str, bool]:
    """The text, and whether it may contain lone surrogates."""
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode(encoding, "surrogatepass"), True
    # Few files have a backslash; the expression takes 20 ms for ten thousand clips.
    return text, "\\" in text and _ESCAPED_SURROGATE.search(text) is not None


def parse_json(text: str) -> Any:
    """:raises ValueError: the text is not JSON."""
    try:
        return json.loads(text, object_hook=make_pause())
    except ValueError:
        # OTIO accepts Inf as well as Infinity; Python's json only the latter.
        expanded = _INFINITY.sub(lambda match: match[0] + ("inity" if match[1] else ""), text)
        if expanded == text:
            raise
        return json.loads(expanded)


def replace_lone_surrogates(root: Any) -> tuple[Any, int]:
    """Replace lone surrogates, which UTF-8 cannot encode; the object and the count of strings."""
    count = 0

    def clean(value: Any) -> Any:
        nonlocal count
        if not isinstance(value, str):
            return value
        replaced = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        count += replaced != value
        return replaced

    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            entries = [(clean(key), clean(value)) for key, value in node.items()]
            node.clear()
            node.update(entries)
            pending.extend(node.values())
        elif isinstance(node, list):
            node[:] = map(clean, node)
            pending.extend(node)
    return root, count
