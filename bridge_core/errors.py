"""The errors of Shotbridge. Each says what went wrong, where, and what to do next.

::

    ShotbridgeError
    ├── ConfigError              a configuration file, variable or argument
    ├── InvalidRequest           a request that is not valid
    │   ├── UnknownService
    │   └── OutsideMediaRoots    a path outside the folders that the gateway may read
    ├── IdempotencyKeyReused     an idempotency key used again with other content
    ├── ContentMismatch          a decision about files that differ from the version's
    ├── MediaError               pictures
    │   ├── MissingFrames
    │   ├── UnreadableMedia      truncated, not a picture, not permitted
    │   ├── UnknownColourSpace
    │   ├── PlateChanged         changed while it was uploaded or processed
    │   └── CheckFailed          the output of a service does not pass its checks
    ├── TimelineError            a timeline that cannot be read or written
    ├── HostError                a host that cannot do what was asked of it
    ├── StorageError
    │   ├── DiskFull
    │   ├── NotWritable
    │   └── StorageUnavailable   a disk or database that is temporarily unavailable
    ├── TransferError            data that was corrupted or lost in transfer
    │   └── WrongOffset          an upload that does not continue where it stopped
    ├── GatewayError
    │   ├── GatewayUnreachable
    │   ├── NotAuthorised
    │   ├── IncompatibleVersion
    │   ├── NotFound
    │   └── GatewayFault         an internal error of the gateway
    └── JobError
        ├── JobFailed
        ├── JobCancelled
        ├── OutcomeUnknown       work at a provider that may have been done and charged
        ├── ProviderUnavailable  a provider that did certainly not take the work
        ├── ModelMissing         model weights that are not installed
        └── ModelCrashed         the worker process of the model died

Over HTTP an error is sent as :class:`bridge_core.models.problems.Problem`; in the client,
:func:`from_problem` restores the same class, so both sides catch the same errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar


class ShotbridgeError(Exception):
    """Base class of all errors.

    ``message`` says what went wrong, ``where`` names the file, key, frame or URL, and
    ``next_step`` tells the user what to do. ``details`` has the same facts for programs, as JSON
    values.
    """

    code: ClassVar[str] = "error"
    #: Status of an HTTP response with this error.
    status: ClassVar[int] = 500
    #: Exit code of ``shotbridge`` for this error; documented in docs/cli.md.
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        next_step: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.next_step = next_step
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        text = self.message
        if self.where:
            text += f" ({self.where})"
        if self.next_step:
            text += f". Next: {self.next_step}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        # The default pickling of exceptions loses keyword-only arguments, and errors are sent
        # between processes and stored in the job queue's checkpoints.
        return (_rebuild, (type(self), self.message, self.where, self.next_step, self.details))


class ConfigError(ShotbridgeError):
    code = "config"
    status = 500
    exit_code = 3


class InvalidRequest(ShotbridgeError):
    code = "invalid_request"
    status = 422
    exit_code = 4


class UnknownService(InvalidRequest):
    code = "unknown_service"
    status = 422


class OutsideMediaRoots(InvalidRequest):
    code = "outside_roots"
    status = 403


class IdempotencyKeyReused(ShotbridgeError):
    code = "key_reused"
    status = 409
    exit_code = 4


class ContentMismatch(ShotbridgeError):
    """A decision is about files that differ from the version's."""

    code = "content_mismatch"
    status = 409
    exit_code = 4


class MediaError(ShotbridgeError):
    code = "media"
    status = 422
    exit_code = 5


class MissingFrames(MediaError):
    """Frames of a plate do not exist; ``details["frames"]`` lists them."""

    code = "missing_frames"

    @classmethod
    def of(cls, frames: Iterable[int], *, where: str) -> MissingFrames:
        missing = sorted(frames)
        count = f"{len(missing)} frames are" if len(missing) != 1 else "1 frame is"
        return cls(
            f"{count} missing: {format_frames(missing)}",
            where=where,
            next_step="render or copy these frames, or shorten the range, and send again",
            details={"frames": missing},
        )


class UnreadableMedia(MediaError):
    code = "unreadable_media"


class UnknownColourSpace(MediaError):
    code = "unknown_colour_space"


class PlateChanged(MediaError):
    code = "plate_changed"
    status = 409


class CheckFailed(MediaError):
    code = "check_failed"


class TimelineError(ShotbridgeError):
    code = "timeline"
    status = 422
    exit_code = 6


class HostError(ShotbridgeError):
    code = "host"


class StorageError(ShotbridgeError):
    code = "storage"
    status = 507
    exit_code = 7


class DiskFull(StorageError):
    code = "disk_full"


class NotWritable(StorageError):
    code = "not_writable"


class StorageUnavailable(StorageError):
    """A disk or a database cannot be used at the moment. Nothing was changed, so the call can be
    repeated."""

    code = "storage_unavailable"
    status = 503


class TransferError(ShotbridgeError):
    code = "transfer"
    status = 422
    exit_code = 8


class WrongOffset(TransferError):
    """``details["offset"]`` is the offset in bytes to continue from."""

    code = "wrong_offset"
    status = 409


class GatewayError(ShotbridgeError):
    code = "gateway"
    status = 500
    exit_code = 9


class GatewayUnreachable(GatewayError):
    code = "gateway_unreachable"
    status = 503


class NotAuthorised(GatewayError):
    code = "not_authorised"
    status = 401


class IncompatibleVersion(GatewayError):
    code = "incompatible_version"
    status = 426


class NotFound(GatewayError):
    code = "not_found"
    status = 404


class GatewayFault(GatewayError):
    code = "gateway_fault"
    status = 500


class JobError(ShotbridgeError):
    code = "job"
    status = 409
    exit_code = 10


class JobFailed(JobError):
    code = "job_failed"


class JobCancelled(JobError):
    code = "job_cancelled"
    exit_code = 11


class OutcomeUnknown(JobError):
    """It is not known whether a provider did, and charged for, some work. Nothing is sent again;
    a human decides."""

    code = "outcome_unknown"


class ProviderUnavailable(JobError):
    """A provider cannot be reached or has no capacity. Certainly nothing was done."""

    code = "provider_unavailable"
    status = 503


class ModelMissing(JobError):
    code = "model_missing"
    status = 503


class ModelCrashed(JobError):
    code = "model_crashed"
    status = 500


def format_frames(frames: Iterable[int]) -> str:
    """Frame numbers as ranges: ``1001-1004, 1009``."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def error_class(code: str) -> type[ShotbridgeError] | None:
    """The class with this ``code``; None if this version does not know the code."""
    return next((kind for kind in _class_tree(ShotbridgeError) if kind.code == code), None)


def from_problem(problem: Mapping[str, Any]) -> ShotbridgeError:
    """The error that a problem document describes.

    An unknown code of a newer gateway becomes a :class:`GatewayError` with the same message.
    """
    kind = error_class(str(problem.get("code", ""))) or GatewayError
    return kind(
        str(problem.get("message") or "the gateway responded with an error without a message"),
        where=str(problem.get("where", "")),
        next_step=str(problem.get("next_step", "")),
        details=problem.get("details") or {},
    )


def _class_tree(kind: type[ShotbridgeError]) -> Iterator[type[ShotbridgeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _class_tree(child)


def _rebuild(
    kind: type[ShotbridgeError], message: str, where: str, next_step: str, details: dict[str, Any]
) -> ShotbridgeError:
    return kind(message, where=where, next_step=next_step, details=details)
