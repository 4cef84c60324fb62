"""Tasks for a process that reads pictures, and its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bridge_core.models.base import Value
from bridge_core.models.media import Plate, frame_path
from bridge_core.models.settings import ColourSettings, ProxySettings
from bridge_core.models.versions import Output
from bridge_gateway.media.plate_facts import PlateFacts
from bridge_gateway.workers.messages import Failed, FrameDone


class _OneFrame(Value):
    frame: int

    @property
    def frames(self) -> tuple[int, ...]:
        return (self.frame,)


class _OfPlate(Value):
    plate: Plate

    def file(self, frame: int) -> str:
        """The file of a frame, for messages."""
        return self.plate.file(frame)


class _OfOutput(Value):
    folder: Path
    output: Output

    def file(self, frame: int) -> str:
        """The file of a frame, for messages."""
        return str(self.folder / frame_path(self.output.pattern, frame))


class LookTask(_OneFrame, _OfPlate):
    """Write the proxy of a plate's frame to ``target``."""

    kind: Literal["look"] = "look"
    path: Path
    stamp: str
    """Changes whenever the file's content may have changed."""
    target: Path
    colour: ColourSettings
    proxies: ProxySettings


class ProbeTask(_OneFrame, _OfPlate):
    """Read the facts of a frame's file, or of the movie; they are in the answer."""

    kind: Literal["probe"] = "probe"
    path: Path


class ExamineTask(_OfPlate):
    """Check by their headers that these frames of a plate exist and can be read."""

    kind: Literal["examine"] = "examine"
    files: dict[int, Path]
    frames: tuple[int, ...]


class CheckTask(_OfOutput):
    """Compare every picture of an output with what ``output`` says, and with the plate."""

    kind: Literal["check"] = "check"
    frames: tuple[int, ...]
    plate: Plate
    files: dict[int, Path]
    """Of the plate."""


class ProxiesTask(_OfOutput):
    """Write the proxies of an output's frames, each to its ``targets``."""

    kind: Literal["proxies"] = "proxies"
    targets: dict[int, Path]
    colour: ColourSettings
    proxies: ProxySettings

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(self.targets)


class ThumbnailTask(_OneFrame):
    """Write a proxy again, smaller, to ``target``; the proxy's size is in the answer."""

    kind: Literal["thumbnail"] = "thumbnail"
    proxy: Path
    target: Path
    colour: ColourSettings
    width: int

    def file(self, frame: int) -> str:
        """The proxy, for messages."""
        return str(self.proxy)


class Decoded(Value):
    """The task is done. ``size``: width and height of the one proxy that was written or read,
    otherwise 0."""

    kind: Literal["decoded"] = "decoded"
    size: tuple[int, int] = (0, 0)
    facts: PlateFacts | None = None


DecodeTask = LookTask | ProbeTask | ExamineTask | CheckTask | ProxiesTask | ThumbnailTask
DecodeAnswer = FrameDone | Decoded | Failed

_tasks: TypeAdapter[DecodeTask] = TypeAdapter(Annotated[DecodeTask, Field(discriminator="kind")])
_answers: TypeAdapter[DecodeAnswer] = TypeAdapter(
    Annotated[DecodeAnswer, Field(discriminator="kind")]
)


def task(text: bytes) -> DecodeTask:
    """:raises ValueError: not a task."""
    return _tasks.validate_json(text)


def answer(text: bytes) -> DecodeAnswer:
    """:raises ValueError: not an answer; something else wrote into the channel."""
    return _answers.validate_json(text)
