"""The task that the gateway sends to a model process, and the messages that come back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from bridge_core.models.base import StrictModel
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.settings import ColourSettings, GatewaySettings, ProxySettings
from bridge_gateway.providers.base import PROXY_FILENAME, ProviderTask, TaskResult
from bridge_gateway.workers.messages import FrameDone, TaskFailed


class LocalTask(StrictModel):
    """One job, self-contained: any process can resume it.

    The first fields are those of :class:`~bridge_gateway.providers.base.ProviderTask`, the others
    are settings of this machine. It holds no secrets.
    """

    job_id: str
    service: str
    parameters: dict[str, bool | int | float | str]
    plate: Plate
    files: dict[int, Path]
    frames: tuple[int, ...]
    """All frames of the job, including finished ones."""
    colour_space: str
    output_format: OutputFormat
    folder: Path
    models_dir: Path
    colour: ColourSettings
    proxies: ProxySettings
    threads: int = Field(ge=1)
    model_memory_mb: float

    @classmethod
    def from_task(cls, task: ProviderTask, settings: GatewaySettings, *, threads: int) -> Self:
        return cls(
            job_id=task.job_id,
            service=task.service,
            parameters=dict(task.parameters),
            plate=task.plate,
            files={frame: task.files[frame] for frame in task.frames},
            frames=task.frames,
            colour_space=task.colour_space,
            output_format=task.output_format,
            folder=task.folder,
            models_dir=settings.models_dir,
            colour=settings.colour,
            proxies=settings.proxies,
            threads=threads,
            model_memory_mb=settings.model_memory_mb,
        )

    def unfinished_frames(self) -> tuple[int, ...]:
        """Frames without a proxy, which is written after the frame's pictures."""
        return tuple(
            f for f in self.frames if not (self.folder / PROXY_FILENAME.format(frame=f)).exists()
        )


class TaskFinished(StrictModel):
    """All frames of the job are finished."""

    kind: Literal["finished"] = "finished"
    result: TaskResult


LocalTaskMessage = FrameDone | TaskFinished | TaskFailed
_messages: TypeAdapter[LocalTaskMessage] = TypeAdapter(
    Annotated[LocalTaskMessage, Field(discriminator="kind")]
)


def parse_message(text: bytes) -> LocalTaskMessage:
    """:raises ValueError: not a message; something else wrote to the pipe."""
    return _messages.validate_json(text)
