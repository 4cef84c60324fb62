"""What every child process answers: a line of JSON each."""

from __future__ import annotations

from typing import Literal

from bridge_core.models.base import StrictModel
from bridge_core.models.problems import Problem


class FrameDone(StrictModel):
    """A frame is complete: made on disk, or looked at."""

    kind: Literal["frame"] = "frame"
    frame: int


class TaskFailed(StrictModel):
    """The task cannot go on. ``fit``: the process can take another one."""

    kind: Literal["failed"] = "failed"
    problem: Problem
    is_reusable: bool


def encode_message(message: StrictModel) -> bytes:
    return message.model_dump_json().encode() + b"\n"
