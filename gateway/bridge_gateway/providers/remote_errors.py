"""The errors that end a job of a remote provider, and what each asks of a person."""

from __future__ import annotations

import errno

from bridge_core.errors import (
    JobCancelled,
    JobFailed,
    OutcomeUnknown,
    ShotbridgeError,
    StorageUnavailable,
)
from bridge_core.system.files import DISK_FULL_ERRNOS
from bridge_gateway.providers.base import RemoteState, RemoteStatus

#: Errors of the disk, also where they name no file.
_DISK_ERRNOS = DISK_FULL_ERRNOS | {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}


def outcome_unknown(reason: str, where: str, key: str, cause: Exception | None) -> OutcomeUnknown:
    """Whether the work was done is not known; the job's ``key`` finds it at the provider."""
    advice = cause.next_step if isinstance(cause, OutcomeUnknown) else ""
    return OutcomeUnknown(
        f"it is not known whether the provider did this work and charges for it: {reason}",
        where=where,
        next_step=f"{advice or 'look at the list of jobs at the provider'} (key {key}), then "
        "say so with 'shotbridge resolve-job'; nothing is sent again",
        details={"key": key},
    )


def work_failure(status: RemoteStatus, where: str, key: str) -> ShotbridgeError:
    """The error of work that has ended at the provider without results."""
    if status.state is RemoteState.UNKNOWN:
        reason = status.message or "the provider no longer knows this work"
        return outcome_unknown(reason, where, key, None)
    if status.problem is not None:
        error = status.problem.to_error()
        # Of these two the gateway would wait for a disk, or take the job for cancelled.
        if not isinstance(error, StorageUnavailable | JobCancelled):
            return error
        return JobFailed(
            error.message, where=error.where, next_step=error.next_step, details=error.details
        )
    if status.state is RemoteState.CANCELLED:
        message, next_step = "the work was cancelled at the provider", "send the job again"
    else:
        message, next_step = "the work failed", "change the request, or send it to another service"
    return JobFailed(status.message or message, where=where, next_step=next_step)


def fetch_failure(error: Exception, where: str, key: str) -> JobFailed:
    """The work was done, and its results cannot be had."""
    reason = f"{type(error).__name__}: {error}"[:400]
    return JobFailed(
        f"the work was done, and its results cannot be fetched: {reason}",
        where=where,
        next_step=f"look for the results at the provider (key {key}); the work is charged again if "
        "the job is sent again",
    )


def is_disk_error(error: OSError) -> bool:
    """Whether it is about a file on this machine. HTTP libraries name a URL as the file."""
    if error.errno in _DISK_ERRNOS:
        return True
    return error.filename is not None and "://" not in str(error.filename)
