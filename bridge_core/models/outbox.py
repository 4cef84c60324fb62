"""A request that is waiting to be sent."""

from __future__ import annotations

from bridge_core.models.base import PersonName, StoredModel, Timestamp
from bridge_core.models.problems import Problem
from bridge_core.models.requests import IdempotencyKey, Request


class OutboxEntry(StoredModel):
    """An accepted request; ``problem`` is set if the gateway has permanently refused it."""

    title = "outbox entry"

    key: IdempotencyKey
    request: Request
    requested_by: PersonName
    """Who asked; it is sent in this name, whoever sends it."""
    created: Timestamp
    problem: Problem | None = None
