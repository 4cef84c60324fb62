"""Turns feedback on a version into the request for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bridge_ui.core.display_text import format_range

if TYPE_CHECKING:
    from bridge_core.models.notes import Note
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Lineage, Version

_MAX_NOTE_LENGTH = 5000  # characters of a request's note


def feedback_texts(version: Version, notes: Iterable[Note]) -> tuple[str, ...]:
    """The last decision's comment, then the notes with their frames."""
    comment = version.decisions[-1].comment.strip() if version.decisions else ""
    return tuple(filter(None, [comment, *map(note_text, notes)]))


def note_text(note: Note) -> str:
    """A note's frames and text, such as ``1010: hold the leaves still``; empty if it only draws."""
    if not note.text.strip() or note.frames is None:
        return note.text.strip()
    frames = note.frames
    where = str(frames.first) if frames.count == 1 else format_range(frames)
    return f"{where}: {note.text.strip()}"


def revision_request(
    lineage: Lineage,
    version: str,
    feedback: Iterable[str],
    service: Service | None,
    shot: Shot | None,
) -> Request:
    """The request that ``version`` was made from, with the feedback added to its note and to the
    first text parameter of ``service``. ``shot`` is the shot as it is in the cut now."""
    request = repeat_request(lineage)
    changed: dict[str, Any] = {
        "note": _append_lines(request.note, feedback, _MAX_NOTE_LENGTH),
        "source_version_id": version,
    }
    parameters = service.parameters if service else ()
    for text in (p for p in parameters if p.kind == "text"):
        previous = str(request.parameters.get(text.name, text.default))
        value = _append_lines(previous, feedback, text.max_length)
        changed["parameters"] = {**request.parameters, text.name: value}
        break
    if shot is not None and shot.id == request.shot.id:
        changed["shot"] = shot
    return request.model_copy(update=changed)


def repeat_request(lineage: Lineage) -> Request:
    """The same request for the whole shot, with the parameters as they were resolved: later changes
    of defaults have no effect. It has the seed that was used, whoever chose it."""
    changed = {
        "parameters": dict(lineage.parameters),
        "seed": lineage.seed if lineage.seed is not None else lineage.request.seed,
        "test_frames": (),
        "source_version_id": None,
    }
    return lineage.request.model_copy(update=changed)


def _append_lines(before: str, feedback: Iterable[str], max_length: int) -> str:
    """Append the lines that are missing; cut at ``max_length``."""
    lines = before.splitlines()
    lines += [line for text in feedback for line in text.splitlines() if line not in lines]
    return "\n".join(lines)[:max_length]
