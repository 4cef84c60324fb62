"""What the API asks about notes and decisions. The methods write to the database, as those of
:mod:`.operations` do."""

from __future__ import annotations

from sqlalchemy import func, select

from bridge_core.errors import ContentMismatch, IdempotencyKeyReused
from bridge_core.models.base import canonical_json, fingerprint, now
from bridge_core.models.notes import NewNote, Note
from bridge_core.models.versions import Decision, Version
from bridge_gateway.db import queries
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import DecisionRow, NoteRow
from bridge_gateway.jobs import events
from bridge_gateway.policy.principal import Principal


class ReviewOperations:
    """Notes on versions and decisions about them, each stored together with its event."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_decision(
        self, version_id: str, decision: Decision, key: str, principal: Principal
    ) -> Version:
        """The version after the decision; the same for each call with this key.

        :raises NotFound: there is no such version.
        :raises IdempotencyKeyReused: the key was used for another decision, or by another
            principal.
        :raises ContentMismatch: the decision names another content hash than the version's.
        """
        with self._database.begin_write() as session:
            known = session.scalar(select(DecisionRow).where(DecisionRow.key == key))
            if known is not None:
                _require_same_content(known, known.by, version_id, decision, principal)
            version_row = queries.get_version_row(session, version_id)
            version = queries.load_version(session, version_row)
            if known is not None:
                earlier = select(func.count()).where(
                    DecisionRow.result_id == version_id, DecisionRow.number <= known.number
                )
                return queries.with_decisions(version, version.decisions[: session.scalar(earlier)])
            if decision.content_hash != version.content_hash:
                raise ContentMismatch(
                    "the decision does not have the content hash of this version: it is not about "
                    f"{version.shot.shot} {version.service} {version.label}",
                    where=f"version {version_id}",
                    next_step="review the version as it is now, and decide again",
                    details={"content_hash": version.content_hash},
                )
            row = DecisionRow(
                key=key,
                fingerprint=fingerprint(decision),
                result_id=version_id,
                by=principal.name,
                at=now(),
                **decision.model_dump(),
            )
            session.add(row)
            session.flush()
            version = queries.load_version(session, version_row)
            events.add_version_event(session, version)
            return version

    def list_notes(self, version_id: str) -> list[Note]:
        """The notes on a version, oldest first.

        :raises NotFound: there is no such version.
        """
        query = select(NoteRow).where(NoteRow.result_id == version_id).order_by(NoteRow.number)
        with self._database.begin_read() as session:
            queries.get_version_row(session, version_id)
            return [Note.model_validate_json(row.content) for row in session.scalars(query)]

    def add_note(
        self, version_id: str, new: NewNote, key: str, principal: Principal
    ) -> tuple[Note, bool]:
        """The note of this key, and whether it is new.

        :raises NotFound: there is no such version.
        :raises IdempotencyKeyReused: the key was used for another note, or by another principal.
        """
        with self._database.begin_write() as session:
            known = session.scalar(select(NoteRow).where(NoteRow.key == key))
            if known is not None:
                note = Note.model_validate_json(known.content)
                _require_same_content(known, note.by, version_id, new, principal)
                return note, False
            version_row = queries.get_version_row(session, version_id)
            note = Note(
                id=queries.new_id(),
                version_id=version_id,
                by=principal.name,
                at=now(),
                **dict(new),
            )
            row = NoteRow(
                id=note.id,
                key=key,
                fingerprint=fingerprint(new),
                result_id=version_id,
                content=canonical_json(note),
                at=note.at,
            )
            session.add(row)
            session.flush()
            events.add_note_event(session, note, job=version_row.job_id)
            return note, True


def _require_same_content(
    known: DecisionRow | NoteRow,
    author: str,
    version_id: str,
    content: Decision | NewNote,
    principal: Principal,
) -> None:
    """
    :raises IdempotencyKeyReused: the row of this key has other content, is about another version,
        or by another person.
    """
    expected = (version_id, fingerprint(content), principal.name)
    if (known.result_id, known.fingerprint, author) != expected:
        raise IdempotencyKeyReused(
            f"the key {known.key} has been used for something else, or by somebody else",
            where=f"version {known.result_id}",
            next_step="send this with a key of its own",
        )
