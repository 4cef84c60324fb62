"""Ids as people type them: the first few letters, as long as only one thing begins so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext

#: Letters of an id that tables show.
SHORT_LENGTH = 8
#: An id in full.
_FULL_LENGTH = 32
#: Jobs among which the beginning of an id is looked for, newest first.
_JOB_LIMIT = 500


def short_id(full_id: str) -> str:
    return full_id[:SHORT_LENGTH]


def expand_version_id(context: CommandContext, prefix: str) -> str:
    """
    :raises InvalidRequest: none or several versions begin so.
    """
    if len(prefix) >= _FULL_LENGTH:
        return prefix
    return _expand(
        prefix, (version.id for version in context.client.versions()), "version", "versions"
    )


def expand_job_id(context: CommandContext, prefix: str) -> str:
    """
    :raises InvalidRequest: none or several jobs begin so.
    """
    if len(prefix) >= _FULL_LENGTH:
        return prefix
    return _expand(prefix, (job.id for job in context.client.jobs(limit=_JOB_LIMIT)), "job", "jobs")


def _expand(prefix: str, ids: Iterable[str], kind: str, command: str) -> str:
    matches = [whole for whole in ids if prefix and whole.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    problem = f"{len(matches)} {command} begin with" if matches else f"no {kind} begins with"
    raise InvalidRequest(
        f"{problem} {prefix!r}",
        next_step=f"name more of it: {', '.join(matches[:3])}"
        if matches
        else f"`shotbridge {command}` lists them",
    )
