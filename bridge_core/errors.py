"""The one tree of errors. Every error says what was wrong, where, and what to do next.

::

    ShotbridgeError
    ├── ConfigError              a configuration file, variable or argument
    ├── InvalidRequest           a request that cannot be made as it stands
    │   ├── UnknownService
    │   └── OutsideMediaRoots    a path outside the folders the gateway may touch
    ├── IdempotencyKeyReused     an idempotency key used again with other content
    ├── ContentMismatch          a decision about other files than the version's
    ├── MediaError               pictures
    │   ├── MissingFrames
    │   ├── UnreadableMedia      truncated, not a picture, not permitted
    │   ├── UnknownColourSpace
    │   ├── PlateChanged         changed while it was being sent or worked on
    │   └── CheckFailed          what a service made does not pass its checks
    ├── TimelineError            a cut that cannot be read or written
    ├── HostError                a host that cannot do what it was asked
    ├── StorageError
    │   ├── DiskFull
    │   ├── NotWritable
    │   └── StorageUnavailable   a disk or database that does not answer now; try again
    ├── TransferError            bytes did not arrive as they left
    │   └── WrongOffset          an upload that does not go on where it stopped
    ├── GatewayError
    │   ├── GatewayUnreachable
    │   ├── NotAuthorised
    │   ├── IncompatibleVersion
    │   ├── NotFound
    │   └── GatewayFault         the gateway's own mistake
    └── JobError
        ├── JobFailed
        ├── JobCancelled
        ├── ModelMissing         weights that are not installed
        └── ModelCrashed         the model's process died

Over HTTP an error travels as :class:`bridge_core.models.problems.Problem`; :func:`from_problem`
builds the same class again on the client's side, so both sides catch the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar


class ShotbridgeError(Exception):
    """Root of the tree.

    ``what`` says what was wrong, ``where`` names the file, key, frame or address, ``next_step``
    tells a person what to do. ``details`` holds the same facts for programs and is always made of
    JSON values.
    """

    code: ClassVar[str] = "error"
    #: Status of an HTTP answer that carries this error.
    status: ClassVar[int] = 500
    #: Exit code of ``shotbridge`` when this error ends it; documented in docs/cli.md.
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
        # Keyword-only arguments do not survive the default pickling of exceptions, and errors
        # cross process boundaries and the job engine's checkpoints.
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
    """A decision is about other files than the version's."""

    code = "content_mismatch"
    status = 409
    exit_code = 4


class MediaError(ShotbridgeError):
    code = "media"
    status = 422
    exit_code = 5


class MissingFrames(MediaError):
    """Frames of a plate that are not there; ``details["frames"]`` lists them."""

    code = "missing_frames"

    @classmethod
    def of(cls, frames: Iterable[int], *, where: str) -> MissingFrames:
        missing = sorted(frames)
        return cls(
            f"{len(missing)} frame{'s are' if len(missing) != 1 else ' is'} missing: {format_frames(missing)}",
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
    """A disk or a database that cannot be used at the moment. Nothing was changed, so the same
    call may be made again."""

    code = "storage_unavailable"
    status = 503


class TransferError(ShotbridgeError):
    code = "transfer"
    status = 422
    exit_code = 8


class WrongOffset(TransferError):
    """``details["offset"]`` says where to go on, in bytes."""

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


class ModelMissing(JobError):
    code = "model_missing"
    status = 503


class ModelCrashed(JobError):
    code = "model_crashed"
    status = 500


def format_frames(frames: Iterable[int]) -> str:
    """Frame numbers as people write them: ``1001-1004, 1009``."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def error_class(code: str) -> type[ShotbridgeError] | None:
    """The class whose ``code`` this is; None for a code that this version does not know."""
    return next((kind for kind in _class_tree(ShotbridgeError) if kind.code == code), None)


def from_problem(problem: Mapping[str, Any]) -> ShotbridgeError:
    """The error that a problem document stands for.

    A code from a newer gateway becomes :class:`GatewayError` and keeps its words.
    """
    kind = error_class(str(problem.get("code", ""))) or GatewayError
    return kind(
        str(problem.get("message") or "the gateway answered with an error that has no description"),
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
