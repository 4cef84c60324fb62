"""Messages that every child process sends: one line of JSON each."""

from __future__ import annotations

from typing import Literal

from bridge_core.models.base import StrictModel
from bridge_core.models.problems import Problem


class FrameDone(StrictModel):
    """A frame is complete: written to disk, or checked."""

    kind: Literal["frame_done"] = "frame_done"
    frame: int


class TaskFailed(StrictModel):
    """The task failed. ``is_reusable``: the process can take another task."""

    kind: Literal["failed"] = "failed"
    problem: Problem
    is_reusable: bool


def encode_message(message: StrictModel) -> bytes:
    return message.model_dump_json().encode() + b"\n"
