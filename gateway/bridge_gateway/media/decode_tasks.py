"""Tasks for a decoding process, and the messages that it sends."""

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

    kind: Literal["plate_proxy"] = "plate_proxy"
    path: Path
    fingerprint: str
    """Differs whenever the file's content may have changed."""
    target: Path
    colour: ColourSettings
    proxies: ProxySettings


class ProbePlateTask(_SingleFrameTask, _PlateTask):
    """Read the properties of a frame's file or of the movie; the result holds them."""

    kind: Literal["probe_plate"] = "probe_plate"
    path: Path


class CheckPlateTask(_PlateTask):
    """Check that these frames of a plate exist and that their headers can be read."""

    kind: Literal["check_plate"] = "check_plate"
    files: dict[int, Path]
    frames: tuple[int, ...]


class CheckMatteTask(_PlateTask):
    """Check that the files of a matte have this size (in pixels) and channel, by their headers."""

    kind: Literal["check_matte"] = "check_matte"
    files: dict[int, Path]
    channel: str
    """Empty: any."""
    width: int
    height: int

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(self.files)


class CheckOutputTask(_OutputTask):
    """Compare every picture of an output with its description and with the plate."""

    kind: Literal["check_output"] = "check_output"
    frames: tuple[int, ...]
    plate: Plate
    files: dict[int, Path]
    """The plate's files."""
    values_checked: bool
    """The provider has checked that all values are finite."""


class OutputProxiesTask(_OutputTask):
    """Write the proxies of an output's frames to their ``targets``."""

    kind: Literal["output_proxies"] = "output_proxies"
    targets: dict[int, Path]
    colour: ColourSettings
    proxies: ProxySettings

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(self.targets)


class ThumbnailTask(_SingleFrameTask):
    """Write a smaller copy of a proxy to ``target``; the result holds the proxy's size."""

    kind: Literal["thumbnail"] = "thumbnail"
    proxy: Path
    target: Path
    colour: ColourSettings
    width: int

    def path_at(self, frame: int) -> str:
        """The proxy, for messages."""
        return str(self.proxy)


class DecodeResult(StrictModel):
    """The task is done. ``proxy_size`` is that of the one proxy written or read, otherwise 0."""

    kind: Literal["done"] = "done"
    proxy_size: tuple[int, int] = (0, 0)
    info: PlateInfo | None = None


DecodeTask = (
    PlateProxyTask
    | ProbePlateTask
    | CheckPlateTask
    | CheckMatteTask
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
    """:raises ValueError: not a message; something else wrote to the pipe."""
    return _messages.validate_json(text)
