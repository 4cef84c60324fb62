"""A job on its bench, and what its steps hand on."""

from __future__ import annotations

from dataclasses import dataclass

from bridge_core.models.base import Record
from bridge_core.models.requests import Request, Submission
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs.inputs import StagedFile
from bridge_gateway.jobs.progress import Reporter
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.jobs.work import WorkFolder


@dataclass(frozen=True)
class Bench:
    """What a job is, what it is worked on with, where, and who watches."""

    tools: Tools
    job: str
    submission: Submission
    folder: WorkFolder
    watch: Reporter

    @property
    def request(self) -> Request:
        return self.submission.request


class Admitted(Record):
    """What was settled before anything was read."""

    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""
    provider: str
    colour_space: str
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them."""


class Staged(Record):
    """The files of the wanted frames, ascending; of a movie or a still, the one."""

    files: tuple[StagedFile, ...]


class Sealed(Record):
    """What will be published, as it stands in the provider's folder."""

    files: tuple[ResultFile, ...]
    proxies: Proxies
