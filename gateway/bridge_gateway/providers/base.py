"""The provider contract. Every provider must pass the suite in ``tests/contracts``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.services import Service
from bridge_core.models.versions import ModelUsed, ResultOutput

#: Relative to a task's folder: the picture of an output at a frame, and the frame's proxy.
PICTURE_FILENAME = "{output}.{frame:04d}{suffix}"
PROXY_FILENAME = "proxies/{frame:04d}.jpg"
PROXY_PATTERN = "proxies/%04d.jpg"


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


class TaskMonitor(Protocol):
    """Receives progress from a provider and tells it of a cancellation. Called from any thread."""

    def frame_done(self, frame: int) -> None:
        """The frame's pictures and proxy are complete on disk. Called once in a run for each
        frame, including frames that an earlier run finished."""

    def cancelled(self) -> bool:
        """True once the job has been cancelled."""


@dataclass(frozen=True)
class TaskResult:
    """What a provider produced, and with what. Patterns are relative to the task's folder."""

    outputs: tuple[ResultOutput, ...]
    models: tuple[ModelUsed, ...] = ()
    runtime: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    colour_conversions: tuple[str, ...] = ()
    """A description of each conversion, in order."""


class Provider(Protocol):
    """Runs services."""

    id: str

    def services(self) -> tuple[Service, ...]:
        """The services offered now; one that cannot run has an ``unavailable_reason``."""

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        """Process all frames of the task.

        May be called again for the same task after a kill: frames that are complete on disk are
        kept, and neither processed nor charged again. Returns within 2 seconds of a cancellation,
        with nothing of its own still running.

        :raises bridge_core.errors.JobCancelled: ``monitor.cancelled()`` became true.
        :raises bridge_core.errors.ShotbridgeError: any other failure.
        """

    def close(self) -> None:
        """Stop everything that is still running. May be called more than once."""
