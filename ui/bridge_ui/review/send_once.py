"""Sends a note or a decision so that the gateway stores it once, even if a response is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge_core.errors import GatewayUnreachable

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.notes import NewNote, Note
    from bridge_core.models.versions import Decision, Version


def send_decision_once(client: Client, version: Version, decision: Decision) -> Version:
    """Send a decision about a version. If the response is lost, check whether the decision was
    recorded. Blocks: call it in a worker.

    :raises ShotbridgeError: the gateway refuses it, or does not answer.
    """
    try:
        return client.decide(version.id, decision)
    except GatewayUnreachable:
        current = client.version(version.id)
        if len(current.decisions) > len(version.decisions) and current.status is decision.status:
            return current
        raise


def send_note_once(client: Client, version: str, note: NewNote) -> Note:
    """Add a note to a version unless it exists already: a user who saw no response sends it again.
    Blocks: call it in a worker.

    :raises ShotbridgeError: the gateway refuses it, or does not answer.
    """
    existing = _find_note(client, version, note)
    if existing is None:
        try:
            return client.add_note(version, note)
        except GatewayUnreachable:
            existing = _find_note(client, version, note)
            if existing is None:
                raise
    return existing


def _find_note(client: Client, version: str, note: NewNote) -> Note | None:
    """An existing note with the same text, strokes, frames and author."""
    fields = dict(note)
    found = (one for one in client.notes(version) if fields.items() <= dict(one).items())
    return next(found, None)
