"""Tasks for a process that reads pictures, and its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bridge_core.models.base import StrictModel
from bridge_core.models.media import Plate, frame_path
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_core.models.versions import ResultOutput
from bridge_gateway.media.plate_info import PlateInfo
from bridge_gateway.workers.messages import FrameDone, TaskFailed


class _SingleFrameTask(StrictModel):
    frame: int

    @property
    def frames(self) -> tuple[int, ...]:
        return (self.frame,)


class _PlateTask(StrictModel):
    plate: Plate

    def path_at(self, frame: int) -> str:
        """The file of a frame, for messages."""
        return self.plate.path_at(frame)


class _OutputTask(StrictModel):
    folder: Path
    output: ResultOutput

    def path_at(self, frame: int) -> str:
        """The file of a frame, for messages."""
        return str(self.folder / frame_path(self.output.pattern, frame))


class PlateProxyTask(_SingleFrameTask, _PlateTask):
    """Write the proxy of a plate's frame to ``target``."""

    kind: Literal["look"] = "look"
    path: Path
    fingerprint: str
    """Changes whenever the file's content may have changed."""
    target: Path
    colour: ColourSettings
    proxies: ProxySettings


class ProbePlateTask(_SingleFrameTask, _PlateTask):
    """Read the facts of a frame's file, or of the movie; they are in the answer."""

    kind: Literal["probe"] = "probe"
    path: Path


class CheckPlateTask(_PlateTask):
    """Check by their headers that these frames of a plate exist and can be read."""

    kind: Literal["examine"] = "examine"
    files: dict[int, Path]
    frames: tuple[int, ...]


class CheckOutputTask(_OutputTask):
    """Compare every picture of an output with what ``output`` says, and with the plate."""

    kind: Literal["check"] = "check"
    frames: tuple[int, ...]
    plate: Plate
    files: dict[int, Path]
    """Of the plate."""


class OutputProxiesTask(_OutputTask):
    """Write the proxies of an output's frames, each to its ``targets``."""

    kind: Literal["proxies"] = "proxies"
    targets: dict[int, Path]
    colour: ColourSettings
    proxies: ProxySettings

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(self.targets)


class ThumbnailTask(_SingleFrameTask):
    """Write a proxy again, smaller, to ``target``; the proxy's size is in the answer."""

    kind: Literal["thumbnail"] = "thumbnail"
    proxy: Path
    target: Path
    colour: ColourSettings
    width: int

    def path_at(self, frame: int) -> str:
        """The proxy, for messages."""
        return str(self.proxy)


class DecodeResult(StrictModel):
    """The task is done. ``size``: width and height of the one proxy that was written or read,
    otherwise 0."""

    kind: Literal["decoded"] = "decoded"
    proxy_size: tuple[int, int] = (0, 0)
    info: PlateInfo | None = None


DecodeTask = (
    PlateProxyTask
    | ProbePlateTask
    | CheckPlateTask
    | CheckOutputTask
    | OutputProxiesTask
    | ThumbnailTask
)
DecodeMessage = FrameDone | DecodeResult | TaskFailed

_tasks: TypeAdapter[DecodeTask] = TypeAdapter(Annotated[DecodeTask, Field(discriminator="kind")])
_messages: TypeAdapter[DecodeMessage] = TypeAdapter(
    Annotated[DecodeMessage, Field(discriminator="kind")]
)


def parse_task(text: bytes) -> DecodeTask:
    """:raises ValueError: not a task."""
    return _tasks.validate_json(text)


def parse_message(text: bytes) -> DecodeMessage:
    """:raises ValueError: not an answer; something else wrote into the channel."""
    return _messages.validate_json(text)
