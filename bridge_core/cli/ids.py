"""Ids as people type them: the first few letters, as long as only one thing begins so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from bridge_core.cli.call import Call

#: Letters of an id that tables show.
SHOWN = 8
#: An id in full.
_WHOLE = 32
#: Jobs among which the beginning of an id is looked for, newest first.
_JOBS = 500


def short(whole: str) -> str:
    return whole[:SHOWN]


def version_id(call: Call, typed: str) -> str:
    """
    :raises InvalidRequest: none or several versions begin so.
    """
    if len(typed) >= _WHOLE:
        return typed
    return _only(typed, (version.id for version in call.client.versions()), "version", "versions")


def job_id(call: Call, typed: str) -> str:
    """
    :raises InvalidRequest: none or several jobs begin so.
    """
    if len(typed) >= _WHOLE:
        return typed
    return _only(typed, (job.id for job in call.client.jobs(limit=_JOBS)), "job", "jobs")


def _only(typed: str, ids: Iterable[str], what: str, command: str) -> str:
    found = [whole for whole in ids if typed and whole.startswith(typed)]
    if len(found) == 1:
        return found[0]
    several = f"{len(found)} {command} begin with" if found else f"no {what} begins with"
    raise InvalidRequest(
        f"{several} {typed!r}",
        next_step=f"name more of it: {', '.join(found[:3])}"
        if found
        else f"`shotbridge {command}` lists them",
    )
