"""What a review says, made into the request for the next version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bridge_core.models.services import TextParameter
from bridge_ui.controllers.lineage import again
from bridge_ui.controllers.pool import Failed, Latest

if TYPE_CHECKING:
    from bridge_core.models.notes import Note
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Lineage, Version
    from bridge_ui.controllers.session import Session

_LONGEST = 5000  # characters of a request's note


class NextRequest:
    """The request for the next version, once the gateway has told how the last one was made."""

    def __init__(self, session: Session, failed: Failed) -> None:
        self._session, self._failed = session, failed
        self._asking: Latest[Lineage] = Latest(session.pool)

    def ask(
        self,
        version: str,
        said: tuple[str, ...],
        shot: Shot | None,
        then: Callable[[Request], None],
    ) -> None:
        """With what was ``said`` about ``version`` in it; see :func:`answering`."""
        session = self._session

        def told(lineage: Lineage) -> None:
            asked = lineage.request.service
            service = next((one for one in session.services.value if one.id == asked), None)
            then(answering(lineage, version, said, service, shot))

        self._asking.ask(lambda _: session.client.lineage(version), told, self._failed)

    def cancel(self) -> None:
        self._asking.cancel()


def said_about(version: Version, notes: Iterable[Note]) -> tuple[str, ...]:
    """The last decision's words, then the notes with their frames."""
    comment = version.decisions[-1].comment.strip() if version.decisions else ""
    return tuple(filter(None, [comment, *map(quoted, notes)]))


def quoted(note: Note) -> str:
    """What a note says, and where: ``1010: hold the leaves still``; empty: it only draws."""
    if not note.text.strip() or note.frames is None:
        return note.text.strip()
    frames = note.frames
    where = str(frames.first) if frames.count == 1 else f"{frames.first}–{frames.last}"
    return f"{where}: {note.text.strip()}"


def answering(
    lineage: Lineage,
    version: str,
    said: Iterable[str],
    service: Service | None,
    shot: Shot | None,
) -> Request:
    """The request that ``version`` was made from, with what was ``said`` about it added to its
    note, and to the first text that the ``service`` takes: that is what it listens to. ``shot``
    is the same one as the cut has it now."""
    request = again(lineage)
    changed: dict[str, Any] = {"note": _added(request.note, said, _LONGEST), "made_from": version}
    texts = (one for one in service.parameters if isinstance(one, TextParameter)) if service else ()
    for text in texts:
        before = str(request.parameters.get(text.name, text.default))
        told = _added(before, said, text.max_length)
        changed["parameters"] = {**request.parameters, text.name: told}
        break
    if shot is not None and shot.id == request.shot.id:
        changed["shot"] = shot
    return request.model_copy(update=changed)


def _added(before: str, said: Iterable[str], longest: int) -> str:
    """With the lines that it does not hold yet; cut where it would be too long."""
    lines = before.splitlines()
    lines += [line for text in said for line in text.splitlines() if line not in lines]
    return "\n".join(lines)[:longest]
