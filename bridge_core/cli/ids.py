"""Shortened ids on the command line: a prefix is enough where only one id begins with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext

#: Characters of an id that tables show.
SHORT_LENGTH = 8
#: Characters of a complete id.
_FULL_LENGTH = 32
#: Newest jobs among which a prefix is looked up.
_JOB_LIMIT = 500


def short_id(full_id: str) -> str:
    return full_id[:SHORT_LENGTH]


def expand_version_id(context: CommandContext, prefix: str) -> str:
    """The complete id of a version.

    :raises InvalidRequest: no id, or more than one, begins with ``prefix``.
    """
    if len(prefix) >= _FULL_LENGTH:
        return prefix
    return _expand(
        prefix, (version.id for version in context.client.versions()), "version", "versions"
    )


def expand_job_id(context: CommandContext, prefix: str) -> str:
    """The complete id of a job.

    :raises InvalidRequest: no id, or more than one, begins with ``prefix``.
    """
    if len(prefix) >= _FULL_LENGTH:
        return prefix
    return _expand(prefix, (job.id for job in context.client.jobs(limit=_JOB_LIMIT)), "job", "jobs")


def _expand(prefix: str, ids: Iterable[str], kind: str, command: str) -> str:
    matches = [full_id for full_id in ids if prefix and full_id.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    problem = f"{len(matches)} {command} begin with" if matches else f"no {kind} begins with"
    raise InvalidRequest(
        f"{problem} {prefix!r}",
        next_step=f"give more characters: {', '.join(matches[:3])}"
        if matches
        else f"`shotbridge {command}` lists them",
    )
