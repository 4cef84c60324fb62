"""The errors of Shotbridge. Each says what went wrong, where, and what to do next.

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

    def __init_subclass__(
        cls, *, code: str = "", status: int | None = None, exit_code: int | None = None
    ) -> None:
        """``code`` is stable; status and exit code are those of the base class by default."""
        cls.code = code or cls.code
        cls.status = cls.status if status is None else status
        cls.exit_code = cls.exit_code if exit_code is None else exit_code

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

    def as_problem(self) -> dict[str, Any]:
        """The fields of a :class:`~bridge_core.models.problems.Problem`."""
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "next_step": self.next_step,
            "details": self.details,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The default pickling of exceptions loses keyword-only arguments, and errors are sent
        # between processes and stored in the job queue's checkpoints.
        return (_rebuild, (type(self), self.message, self.where, self.next_step, self.details))


class ConfigError(ShotbridgeError, code="config", exit_code=3):
    """A configuration file, variable or argument is wrong."""


class InvalidRequest(ShotbridgeError, code="invalid_request", status=422, exit_code=4):
    """A request is not valid."""


class UnknownService(InvalidRequest, code="unknown_service"):
    """There is no such service."""


class OutsideMediaRoots(InvalidRequest, code="outside_roots", status=403):
    """A path is outside the folders that the gateway may read."""


class IdempotencyKeyReused(ShotbridgeError, code="key_reused", status=409, exit_code=4):
    """An idempotency key was used again with other content."""


class ContentMismatch(ShotbridgeError, code="content_mismatch", status=409, exit_code=4):
    """A decision is about files that differ from the version's."""


class MediaError(ShotbridgeError, code="media", status=422, exit_code=5):
    """Pictures cannot be used."""


class MissingFrames(MediaError, code="missing_frames"):
    """Frames of a plate do not exist; ``details["frames"]`` lists them."""

    @classmethod
    def of(cls, frames: Iterable[int], *, where: str) -> MissingFrames:
        missing = sorted(frames)
        count = f"{len(missing)} frames are" if len(missing) != 1 else "1 frame is"
        message = f"{count} missing: {format_frames(missing)}"
        next_step = "render or copy these frames, or shorten the range, and send again"
        return cls(message, where=where, next_step=next_step, details={"frames": missing})


class UnreadableMedia(MediaError, code="unreadable_media"):
    """A file is truncated, not a picture, or not permitted."""


class UnknownColourSpace(MediaError, code="unknown_colour_space"):
    """The colour space of pictures is not known."""


class PlateChanged(MediaError, code="plate_changed", status=409):
    """A plate changed while it was uploaded or processed."""


class CheckFailed(MediaError, code="check_failed"):
    """The output of a service does not pass its checks."""


class TimelineError(ShotbridgeError, code="timeline", status=422, exit_code=6):
    """A timeline cannot be read or written."""


class HostError(ShotbridgeError, code="host"):
    """A host cannot do what was asked of it."""


class StorageError(ShotbridgeError, code="storage", status=507, exit_code=7):
    """A disk refuses to store something."""


class DiskFull(StorageError, code="disk_full"):
    """No space or quota is left."""


class NotWritable(StorageError, code="not_writable"):
    """A folder or file cannot be written by this user."""


class StorageUnavailable(StorageError, code="storage_unavailable", status=503):
    """A disk or a database cannot be used at the moment. Nothing was changed, so the call can be
    repeated."""


class TransferError(ShotbridgeError, code="transfer", status=422, exit_code=8):
    """Data was corrupted or lost in transfer."""


class WrongOffset(TransferError, code="wrong_offset", status=409):
    """An upload does not continue where it stopped: ``details["offset"]`` is the offset in bytes to
    continue from."""


class GatewayError(ShotbridgeError, code="gateway", exit_code=9):
    """The gateway cannot be used."""


class GatewayUnreachable(GatewayError, code="gateway_unreachable", status=503):
    """No gateway answers."""


class NotAuthorised(GatewayError, code="not_authorised", status=401):
    """The token is not accepted, or others could use it."""


class IncompatibleVersion(GatewayError, code="incompatible_version", status=426):
    """Client and gateway, or a document and this Shotbridge, do not fit together."""


class NotFound(GatewayError, code="not_found", status=404):
    """The gateway has nothing with this id."""


class GatewayFault(GatewayError, code="gateway_fault"):
    """An internal error of the gateway."""


class JobError(ShotbridgeError, code="job", status=409, exit_code=10):
    """A job has no result."""


class JobFailed(JobError, code="job_failed"):
    """A job failed."""


class JobCancelled(JobError, code="job_cancelled", exit_code=11):
    """A job or a transfer was cancelled."""


class OutcomeUnknown(JobError, code="outcome_unknown"):
    """It is not known whether a provider did, and charged for, some work. Nothing is sent again;
    a human decides."""


class ProviderRefused(JobError, code="provider_refused"):
    """A provider certainly refused some work, and did nothing of it."""


class ProviderUnavailable(JobError, code="provider_unavailable", status=503):
    """A provider cannot be reached or has no capacity. Certainly nothing was done."""


class ModelMissing(JobError, code="model_missing", status=503):
    """The weights of a model are not installed."""


class ModelCrashed(JobError, code="model_crashed", status=500):
    """The worker process of a model died."""


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
