"""Maps frames of the script to the file frames of a Read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stubs import NotModelledError

if TYPE_CHECKING:
    from nuke_fake.nodes import Node

_EXPRESSION = re.compile(r"frame\s*([-+*])\s*(\d+)")


def shown_range(read: Node) -> tuple[int, int]:
    """The frames of the script that show its first and last frame."""
    first, last = read["first"].value(), read["last"].value()
    mode, value = read["frame_mode"].value(), read["frame"].value()
    if mode == "start at" and value:
        return int(value), int(value) + last - first
    if mode == "offset" and value:
        return first - int(value), last - int(value)
    return first, last


def file_frame(read: Node, frame: int) -> int | None:
    """The file's frame number; None if the frame is black (Foundry's user guide, Changing the
    Relation Between the Current Frame and the Frame Read In)."""
    first, last = read["first"].value(), read["last"].value()
    mode, value = read["frame_mode"].value(), read["frame"].value()
    if mode == "start at" and value:
        wanted = frame - int(value) + first
    elif mode == "offset" and value:
        wanted = frame + int(value)
    else:
        wanted = _by_expression(value, frame)
    if first <= wanted <= last:
        return wanted
    how = read["before" if wanted < first else "after"].value()
    if how == "black":
        return None
    if how == "hold":
        return int(min(max(wanted, first), last))
    raise NotModelledError(f"before/after {how}")


def _by_expression(text: str, frame: int) -> int:
    if not text:
        return frame
    match = _EXPRESSION.fullmatch(text.strip())
    if match is None:
        raise NotModelledError(f"the expression {text!r}")
    number = int(match[2])
    return {"+": frame + number, "-": frame - number, "*": frame * number}[match[1]]
