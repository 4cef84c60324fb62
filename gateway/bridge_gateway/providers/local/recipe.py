"""What the gateway tells a model process, and what the process answers: a line of JSON each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from bridge_core.models.base import Value
from bridge_core.models.media import Plate
from bridge_core.models.requests import Delivery
from bridge_core.models.settings import ColourSettings, GatewaySettings, ProxySettings
from bridge_gateway.providers.contract import PROXY, Made, Task
from bridge_gateway.workers.messages import Failed, FrameDone


class Recipe(Value):
    """One job, complete: a process that has never heard of it before can go on with it.

    The first fields are those of :class:`~bridge_gateway.providers.contract.Task`, the others say
    what this machine is like. Nothing secret is in it.
    """

    job: str
    service: str
    parameters: dict[str, bool | int | float | str]
    plate: Plate
    files: dict[int, Path]
    frames: tuple[int, ...]
    """All frames of the job, finished ones included."""
    colour_space: str
    delivery: Delivery
    folder: Path
    models_dir: Path
    colour: ColourSettings
    proxies: ProxySettings
    threads: int = Field(ge=1)

    @classmethod
    def of(cls, task: Task, settings: GatewaySettings, *, threads: int) -> Self:
        return cls(
            job=task.job,
            service=task.service,
            parameters=dict(task.parameters),
            plate=task.plate,
            files={frame: task.files[frame] for frame in task.frames},
            frames=task.frames,
            colour_space=task.colour_space,
            delivery=task.delivery,
            folder=task.folder,
            models_dir=settings.models_dir,
            colour=settings.colour,
            proxies=settings.proxies,
            threads=threads,
        )

    def unfinished(self) -> tuple[int, ...]:
        """Frames whose proxy does not stand yet: it is written after the frame's pictures."""
        return tuple(f for f in self.frames if not (self.folder / PROXY.format(frame=f)).exists())


class Finished(Value):
    """All frames of the job are."""

    kind: Literal["finished"] = "finished"
    made: Made


Answer = FrameDone | Finished | Failed
_answers: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="kind")])


def answer(text: bytes) -> Answer:
    """:raises ValueError: not an answer; something else wrote into the channel."""
    return _answers.validate_json(text)
