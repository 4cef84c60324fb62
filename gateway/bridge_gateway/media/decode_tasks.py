"""What the gateway asks of a process that reads pictures, and what that answers."""

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


class LookTask(Value):
    """Write the proxy of a plate's frame to ``target``."""

    kind: Literal["look"] = "look"
    plate: Plate
    path: Path
    stamp: str
    """Another one whenever the file's bytes may be."""
    frame: int
    target: Path
    colour: ColourSettings
    proxies: ProxySettings

    @property
    def frames(self) -> tuple[int, ...]:
        return (self.frame,)

    def file(self, frame: int) -> str:
        return self.plate.file(frame)


class ProbeTask(Value):
    """Find out what the file of a plate's frame, or the movie, tells; answered with its facts."""

    kind: Literal["probe"] = "probe"
    plate: Plate
    path: Path
    frame: int

    @property
    def frames(self) -> tuple[int, ...]:
        return (self.frame,)

    def file(self, frame: int) -> str:
        return self.plate.file(frame)


class ExamineTask(Value):
    """Find out whether these frames of a plate are there and are pictures that can be read."""

    kind: Literal["examine"] = "examine"
    plate: Plate
    files: dict[int, Path]
    frames: tuple[int, ...]

    def file(self, frame: int) -> str:
        return self.plate.file(frame)


class CheckTask(Value):
    """Compare every picture of an output in ``folder`` with what ``output`` says."""

    kind: Literal["check"] = "check"
    folder: Path
    output: Output
    frames: tuple[int, ...]
    plate: Plate
    files: dict[int, Path]

    def file(self, frame: int) -> str:
        return str(self.folder / frame_path(self.output.pattern, frame))


class ProxiesTask(Value):
    """Write the proxies of an output's frames, each to its ``targets``."""

    kind: Literal["proxies"] = "proxies"
    folder: Path
    output: Output
    targets: dict[int, Path]
    colour: ColourSettings
    proxies: ProxySettings

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(self.targets)

    def file(self, frame: int) -> str:
        return str(self.folder / frame_path(self.output.pattern, frame))


class ThumbnailTask(Value):
    """Write a proxy again, smaller, to ``target``; answered with the proxy's width and height."""

    kind: Literal["thumbnail"] = "thumbnail"
    proxy: Path
    frame: int
    target: Path
    colour: ColourSettings
    width: int

    @property
    def frames(self) -> tuple[int, ...]:
        return (self.frame,)

    def file(self, frame: int) -> str:
        return str(self.proxy)


class Decoded(Value):
    """The task is done. ``size`` is the width and height of the proxy that it is about; of several
    or of none, 0."""

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
