"""Versions and their review."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from bridge_core.models.notes import NewNote, Note
from bridge_core.models.versions import Decision, ReviewStatus, Version
from bridge_gateway.api.errors import documented
from bridge_gateway.api.parts import ID, Here, Id, Words, router

routes = router("versions")


@routes.get("/versions", responses=documented(404))
def versions(
    here: Here,
    show: Words = None,
    sequence: Words = None,
    shot: Words = None,
    service: Words = None,
    status: ReviewStatus | None = None,
    newest: bool = False,
    after: Annotated[str | None, Query(pattern=ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Version]:
    """By shot, service and number; with ``status`` only those with this review status, with
    ``newest`` of each shot only the one that was made last. ``after`` is the id of the last
    version of the page before."""
    return here.desk.versions(
        show=show,
        sequence=sequence,
        shot=shot,
        service=service,
        status=status,
        newest=newest,
        after=after,
        limit=limit,
    )


@routes.get("/versions/{id}", responses=documented(404))
def version(here: Here, which: Id) -> Version:
    return here.desk.version(which)


@routes.post("/versions/{id}/decisions", responses=documented(404, 409, 413))
def decide(here: Here, which: Id, decision: Decision) -> Version:
    """Set the review status, in a person's name. Earlier decisions stay on record."""
    return here.desk.decide(which, decision)


@routes.get("/versions/{id}/notes", responses=documented(404))
def notes(here: Here, which: Id) -> list[Note]:
    """Oldest first."""
    return here.desk.notes(which)


@routes.post("/versions/{id}/notes", status_code=201, responses=documented(404, 413))
def add_note(here: Here, which: Id, note: NewNote) -> Note:
    return here.desk.add_note(which, note)
