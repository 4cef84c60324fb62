"""The provider contract; ``docs/providers.md`` describes how to write a provider.

There are two kinds. A :class:`FrameProvider` does its work in one call on this machine or near it,
and frames appear while it works. A :class:`RemoteProvider` submits work to somebody else's machine
and polls it; :mod:`bridge_gateway.providers.remote` runs it, so that nothing is paid for twice.

Every provider must pass the suite in :mod:`bridge_gateway.providers.conformance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from bridge_core.errors import OutcomeUnknown
from bridge_core.models.findings import Finding
from bridge_core.models.jobs import Cost
from bridge_core.models.media import Plate, frame_path
from bridge_core.models.problems import Problem
from bridge_core.models.requests import MatteRegion, OutputFormat, ShapeRegion
from bridge_core.models.services import Service
from bridge_core.models.versions import ModelUsed, ResultOutput
from bridge_gateway.providers.pricing import RequestFacts, cost_of

#: Relative to a task's folder: the picture of an output at a frame, and the frame's proxy.
PICTURE_FILENAME = "{output}.{frame:04d}{suffix}"
PROXY_FILENAME = "proxies/{frame:04d}.jpg"
PROXY_PATTERN = "proxies/%04d.jpg"

#: The size of a remote handle as JSON, in bytes.
MAX_HANDLE_BYTES = 64_000


@dataclass(frozen=True)
class TaskReference:
    """A picture or clip that guides a request, as a file on this machine."""

    path: Path
    """May have no extension."""
    role: str
    title: str
    """Its file name on the client's side."""


@dataclass(frozen=True)
class TaskMatte:
    """A region that is a matte, as files on this machine. White may change, black may not."""

    region: MatteRegion
    files: Mapping[int, Path]
    """The file of each frame in which it applies, which may have no extension; one picture is the
    same file for all. The pictures have the plate's size, and the region's channel."""


@dataclass(frozen=True)
class TaskSource:
    """The version that a request revises, as files on this machine. Only read."""

    version_id: str
    folder: Path
    outputs: tuple[ResultOutput, ...]
    """Patterns are relative to ``folder``."""
    frames: tuple[int, ...]

    def picture_path(self, frame: int, output: str = "main") -> Path:
        """The file of a frame in an output; of a movie, the movie.

        :raises KeyError: the version has no such output.
        """
        patterns = {output.name: output.pattern for output in self.outputs}
        return self.folder / frame_path(patterns[output], frame)


@dataclass(frozen=True)
class ProviderTask:
    """The work of one job, as files on this machine."""

    job_id: str
    service: str
    parameters: Mapping[str, float | int | str | bool]
    """All of the service's parameters, including defaults."""
    plate: Plate
    files: Mapping[int, Path]
    """The file of each frame; the same file for all frames of a movie or a still."""
    frames: tuple[int, ...]
    """Plate frames to process, ascending, numbered as in ``plate.range``."""
    colour_space: str
    """The plate's colour space, by its name in the OCIO config."""
    output_format: OutputFormat
    folder: Path
    """The only folder to write to. It survives a kill: a file under its final name is complete,
    because files get their name when they are complete."""
    note: str = ""
    references: tuple[TaskReference, ...] = ()
    regions: tuple[ShapeRegion | TaskMatte, ...] = ()
    """In the order of the request's."""
    seed: int | None = None
    """None only where the service does not accept seeds."""
    source: TaskSource | None = None
    """None where the service does not work on versions, or the request revises none."""


class TaskMonitor(Protocol):
    """Receives progress from a provider and tells it of a cancellation. Called from any thread."""

    def frame_done(self, frame: int) -> None:
        """The frame's pictures and proxy are complete on disk. Called once in a run for each
        frame, including frames that an earlier run finished."""

    def progress(self, fraction: float | None, message: str = "") -> None:
        """How far the work is, from 0 to 1 or None where that is not known, and what is being
        done. For work whose frames appear only at its end."""

    def cancelled(self) -> bool:
        """True once the job has been cancelled."""


@dataclass(frozen=True)
class TextOutput:
    """A text that a service made; published as ``texts/NAME``."""

    name: str
    """A file name with its extension: letters, digits, ``.``, ``-`` and ``_``."""
    text: str


@dataclass(frozen=True)
class TaskResult:
    """What a provider produced, and with what. Patterns are relative to the task's folder.

    A service that makes pictures or a movie has an output ``main``. Others may have no outputs,
    but then texts or findings.
    """

    outputs: tuple[ResultOutput, ...] = ()
    texts: tuple[TextOutput, ...] = ()
    findings: tuple[Finding, ...] = ()
    models: tuple[ModelUsed, ...] = ()
    runtime: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    colour_conversions: tuple[str, ...] = ()
    """A description of each conversion, in order."""
    values_checked: bool = False
    """The provider has checked before writing that main colours and alpha are finite, except where
    the plate's are not. Otherwise the gateway reads every picture again."""


@dataclass(frozen=True)
class ProviderQueue:
    """How much work a provider takes at once. Each provider has a queue of its own, so that one
    that is slow delays only itself."""

    account: str = ""
    """The account at the provider, for limits and the ledger; no secret. Empty: there is one."""
    concurrency: int = 1
    """Jobs that run at once on this gateway."""
    starts_per_minute: int | None = None
    """None: no limit."""


def queue_name(provider_id: str, queue: ProviderQueue) -> str:
    """``provider``, or ``provider.account``."""
    return f"{provider_id}.{queue.account}" if queue.account else provider_id


@runtime_checkable
class Provider(Protocol):
    """What both kinds have in common.

    A provider that inherits from :class:`FrameProvider` or :class:`RemoteProvider` gets these
    defaults; any other object with the same attributes is a provider as well.
    """

    id: str
    queue: ProviderQueue = ProviderQueue()

    def list_services(self) -> tuple[Service, ...]:
        """The services offered now; one that cannot run has an ``unavailable_reason``.

        The gateway asks at most once a minute while all are available, and more often otherwise.
        """

    def quote(self, service: Service, facts: RequestFacts) -> Cost:
        """What a request should cost, without sending it anywhere; by default from
        ``service.pricing``.

        :raises InvalidRequest: the price depends on something that the request does not say.
        """
        return cost_of(service, facts)

    def close(self) -> None:
        """Stop everything that is still running on this machine. May be called more than once."""
        return


@runtime_checkable
class FrameProvider(Provider, Protocol):
    """Makes frames in one call."""

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        """Process all frames of the task.

        May be called again for the same task after a kill: frames that are complete on disk are
        kept, and neither processed nor charged again. Returns within 2 seconds of a cancellation,
        with nothing of its own still running.

        :raises bridge_core.errors.JobCancelled: ``monitor.cancelled()`` became true.
        :raises bridge_core.errors.ShotbridgeError: any other failure.
        """


#: Identifies work at a provider: a JSON object of at most :data:`MAX_HANDLE_BYTES`, without
#: secrets, which the gateway stores.
RemoteHandle = dict[str, JsonValue]


class RemoteState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The provider no longer knows this work."""

    @property
    def ended(self) -> bool:
        return self not in (RemoteState.QUEUED, RemoteState.RUNNING)


@dataclass(frozen=True)
class RemoteStatus:
    """The answer to a poll."""

    state: RemoteState
    fraction: float | None = None
    """From 0 to 1; None where the provider does not say."""
    message: str = ""
    charge: Cost | None = None
    """What the provider takes, once it says so; also for work that failed."""
    problem: Problem | None = None
    """Why it failed."""
    retry_after: float | None = None
    """Seconds until the provider wants to be asked again."""


@dataclass(frozen=True)
class CancelOutcome:
    """The answer to a cancellation."""

    stopped: bool | None
    """Whether the provider stopped; None where it does not say."""
    charge: Cost | None = None
    """What it takes all the same; None where it does not say."""
    message: str = ""


@runtime_checkable
class RemoteProvider(Provider, Protocol):
    """Submits work to another machine, and polls it.

    The gateway stores the key before it submits, and the handle before it polls. **No method may
    repeat a call that creates work**, as client libraries often do by default, and each call needs
    a time limit. Methods may be called from any thread.
    """

    def submit(self, task: ProviderTask, key: str) -> RemoteHandle:
        """Start the work and return its handle, without waiting for it.

        ``key`` is the same whenever the same job is submitted. It has at most 64 characters of
        ``a-z``, ``0-9`` and ``-``.

        :raises bridge_core.errors.ProviderRefused: certainly refused; the job fails with its words.
        :raises bridge_core.errors.ProviderUnavailable: certainly not accepted; it is submitted
            again later.
        :raises bridge_core.errors.OutcomeUnknown: the answer was lost, as with any exception that
            is not a ShotbridgeError.
        :raises bridge_core.errors.ShotbridgeError: it failed before anything was submitted, such as
            at a file that cannot be read; the job fails with this error.
        """

    def poll(self, handle: RemoteHandle) -> RemoteStatus:
        """The state of the work. An exception is logged, and the poll repeated."""

    def fetch(self, handle: RemoteHandle, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        """Write the results of finished work to ``task.folder``, in the plate's colour space.

        May be called again after a kill, as :meth:`FrameProvider.run`.

        :raises bridge_core.errors.ProviderUnavailable: not now; it is fetched again later, as
            after an ``OSError`` that names no file.
        :raises bridge_core.errors.JobCancelled: ``monitor.cancelled()`` became true.
        :raises bridge_core.errors.ShotbridgeError: any other failure; the job fails, as after an
            ``OSError`` of a file on this machine. After any other exception, such as those of an
            HTTP library, it is fetched again for about 3 minutes, then the job fails.
        """

    def cancel(self, handle: RemoteHandle) -> CancelOutcome:
        """Stop the work. Nobody waits for the answer longer than 2 seconds, but one that comes
        later is still recorded. May be called again."""

    def find(self, key: str) -> RemoteHandle | None:
        """The work that was submitted with ``key``, after its handle was lost.

        None means that there **certainly** is none, and has it submitted again. By default that
        cannot be known.

        :raises bridge_core.errors.OutcomeUnknown: it cannot be known.
        :raises bridge_core.errors.ProviderUnavailable: it cannot be known now; asked again later.
        """
        raise OutcomeUnknown(
            "this provider cannot look up work by its key",
            where=f"provider {self.id}",
            next_step="look at the provider's own list of jobs",
        )
