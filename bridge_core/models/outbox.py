"""A request that waits to be sent."""

from __future__ import annotations

from bridge_core.models.base import Stored, Timestamp
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Key, Request


class Entry(Stored):
    """An accepted request; ``problem`` says why it was refused for good."""

    key: Key
    request: Request
    created: Timestamp
    problem: Problem | None = None
