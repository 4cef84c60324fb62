"""What every child process answers: a line of JSON each."""

from __future__ import annotations

from typing import Literal

from bridge_core.models.base import Value
from bridge_core.models.problems import Problem


class FrameDone(Value):
    """A frame is complete: made on disk, or looked at."""

    kind: Literal["frame"] = "frame"
    frame: int


class Failed(Value):
    """The task cannot go on. ``fit``: the process can take another one."""

    kind: Literal["failed"] = "failed"
    problem: Problem
    fit: bool


def line(message: Value) -> bytes:
    return message.model_dump_json().encode() + b"\n"
