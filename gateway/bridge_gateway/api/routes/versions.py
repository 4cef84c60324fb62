"""Versions and their review."""

from __future__ import annotations

from fastapi import Response

from bridge_core.models.notes import NewNote, Note
from bridge_core.models.versions import Decision, ReviewStatus, Version
from bridge_gateway.api.dependencies import (
    ContextDep,
    IdPath,
    IdQuery,
    KeyHeader,
    LimitQuery,
    NameQuery,
    PrincipalDep,
    create_router,
)
from bridge_gateway.api.errors import error_responses

router = create_router("versions")


@router.get("/versions", responses=error_responses(404))
def list_versions(
    context: ContextDep,
    show: NameQuery = None,
    sequence: NameQuery = None,
    shot: NameQuery = None,
    service: NameQuery = None,
    status: ReviewStatus | None = None,
    newest: bool = False,
    after: IdQuery = None,
    limit: LimitQuery = 100,
) -> list[Version]:
    """By shot, service and number; with ``status`` only those with this review status, with
    ``newest`` of each shot only the one made last. ``after`` is the id of the last version of the
    previous page."""
    return context.runtime.results.list_versions(
        show=show,
        sequence=sequence,
        shot=shot,
        service=service,
        status=status,
        newest=newest,
        after=after,
        limit=limit,
    )


@router.get("/versions/{id}", responses=error_responses(404))
def get_version(context: ContextDep, version_id: IdPath) -> Version:
    return context.runtime.results.get_version(version_id)


@router.post("/versions/{id}/decisions", responses=error_responses(404, 409, 413))
def add_decision(
    context: ContextDep,
    version_id: IdPath,
    decision: Decision,
    idempotency_key: KeyHeader,
    principal: PrincipalDep,
) -> Version:
    """Set the review status in the principal's name. Earlier decisions are kept. The same key with
    the same decision is one decision, however often it is sent; with another one, or from another
    principal, it is refused."""
    return context.runtime.reviews.add_decision(version_id, decision, idempotency_key, principal)


@router.get("/versions/{id}/notes", responses=error_responses(404))
def list_notes(context: ContextDep, version_id: IdPath) -> list[Note]:
    """Oldest first."""
    return context.runtime.reviews.list_notes(version_id)


@router.post(
    "/versions/{id}/notes",
    status_code=201,
    responses=error_responses(404, 409, 413)
    | {200: {"model": Note, "description": "The note that was added with this key before"}},
)
def add_note(
    context: ContextDep,
    response: Response,
    version_id: IdPath,
    new: NewNote,
    idempotency_key: KeyHeader,
    principal: PrincipalDep,
) -> Note:
    """Add a note in the principal's name. The same key with the same note is one note, however
    often it is sent; with another one, or from another principal, it is refused."""
    note, created = context.runtime.reviews.add_note(version_id, new, idempotency_key, principal)
    if not created:
        response.status_code = 200
    return note
