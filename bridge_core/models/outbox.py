"""A request that waits to be sent."""

from __future__ import annotations

from bridge_core.models.base import StoredModel, Timestamp
from bridge_core.models.problems import Problem
from bridge_core.models.requests import IdempotencyKey, Request


class OutboxEntry(StoredModel):
    """An accepted request; ``problem`` says why it was refused for good."""

    key: IdempotencyKey
    request: Request
    created: Timestamp
    problem: Problem | None = None
