"""How a version was made, and what is different between two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_core.models.versions import Lineage
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a lineage. ``group``: ``Asked``, ``Parameters``, ``Made with``, ``Colour``,
    ``Timings``, ``Software``, ``Files``."""

    group: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that two versions do not share; empty where one has no such fact."""

    group: str
    title: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class LineageState:
    result: str = ""
    label: str = ""
    facts: tuple[Fact, ...] = ()
    against: str = ""
    against_label: str = ""
    differences: tuple[Difference, ...] | None = None
    """None: not compared; empty: made in the same way."""
    busy: bool = False
    problem: str = ""
    next_step: str = ""


class LineageController:
    def __init__(self, session: Session) -> None:
        self.state: Observable[LineageState] = Observable(LineageState())

    def show(self, result: str, label: str = "") -> None:
        """Of a version or a try; the empty text: of none."""
        raise NotImplementedError

    def compare(self, result: str | None, label: str = "") -> None:
        """What is different in another one; None ends that."""
        raise NotImplementedError

    def make_again(self, then: Callable[[Request], None]) -> None:
        """The same request once more, for
        :meth:`bridge_ui.controllers.send.SendController.prefill`."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def facts(lineage: Lineage) -> tuple[Fact, ...]:
    """A lineage as lines to read."""
    raise NotImplementedError


def differences(a: Lineage, b: Lineage) -> tuple[Difference, ...]:
    """What was not the same; what always differs (ids, times, timings, files) is left out."""
    raise NotImplementedError
