"""What every provider promises. ``tests/contracts`` holds the suite that each must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.services import Service
from bridge_core.models.versions import ModelUsed, ResultOutput

#: Folder of a task, relative: pictures of the output ``main`` for a frame, and its proxy.
PICTURE_FILENAME = "{output}.{frame:04d}{ending}"
PROXY_FILENAME = "proxies/{frame:04d}.jpg"
PROXY_PATTERN = "proxies/%04d.jpg"


@dataclass(frozen=True)
class ProviderTask:
    """The work of one job, in terms of files on this machine."""

    job_id: str
    service: str
    parameters: Mapping[str, float | int | str | bool]
    """All of the service's parameters, defaults filled in."""
    plate: Plate
    files: Mapping[int, Path]
    """The file of each frame; of a movie or a still, the same for all."""
    frames: tuple[int, ...]
    """Plate frames to be made, ascending, numbered as in ``plate.range``."""
    colour_space: str
    """Of the plate, a name that the OCIO config knows."""
    output_format: OutputFormat
    folder: Path
    """Where everything is written, and the only place. It outlives a kill: what stands there
    under its final name is whole, because files get their name when they are complete."""
    note: str = ""


class TaskMonitor(Protocol):
    """What a provider tells and asks while it works. Called from any thread."""

    def frame_done(self, frame: int) -> None:
        """Pictures and proxy of this frame are complete on disk. Told once in a run for each
        frame, those included that an earlier run had finished."""

    def cancelled(self) -> bool:
        """True once nobody wants the result any more."""


@dataclass(frozen=True)
class TaskResult:
    """What a provider made and what it used for it. Patterns are relative to the task's folder."""

    outputs: tuple[ResultOutput, ...]
    models: tuple[ModelUsed, ...] = ()
    runtime: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    colour_conversions: tuple[str, ...] = ()
    """Each conversion, in order, in words."""


class Provider(Protocol):
    """Runs services."""

    id: str

    def services(self) -> tuple[Service, ...]:
        """What it offers now; a service that cannot run says why in ``unavailable_because``."""

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        """Make all frames of the task.

        May be called again for the same task after a kill: frames that are finished on disk are
        kept, not made or paid a second time. Returns within 2 seconds of a cancellation, with
        nothing of its own still running.

        :raises bridge_core.errors.JobCancelled: ``watch.cancelled()`` became true.
        :raises bridge_core.errors.ShotbridgeError: anything else that went wrong.
        """

    def close(self) -> None:
        """End everything that it keeps running. May be called more than once."""
