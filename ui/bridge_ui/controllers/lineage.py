"""How a version was made, and what is different between two."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ShotbridgeError
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Latest
from bridge_ui.controllers.words import spell_bytes, spell_frames
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_core.models.versions import Lineage
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a lineage. ``group``: ``RecentRequests``, ``Parameters``, ``Made with``, ``Colour``,
    ``Software``, ``Timings``, ``Files``."""

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
    """``state`` is what there is to read."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[LineageState] = Observable(LineageState())
        self._session = session
        self._of: Lineage | None = None
        self._showing: Latest[Lineage] = Latest(session.pool)
        self._comparing: Latest[tuple[Lineage, Lineage]] = Latest(session.pool)

    def show(self, result: str, label: str = "") -> None:
        """Of a version or a try; the empty text: of none."""
        self._of = None
        self._comparing.cancel()
        self._showing.cancel()
        self.state.set(LineageState(result=result, label=label, busy=bool(result)))
        if not result:
            return
        client = self._session.client

        def told(lineage: Lineage) -> None:
            self._of = lineage
            self._tell(facts=facts(lineage), busy=False)

        self._showing.ask(lambda _: client.lineage(result), told, self._failed)

    def compare(self, result: str | None, label: str = "") -> None:
        """What is different in another one; None ends that."""
        self._comparing.cancel()
        self._tell(against=result or "", against_label=label, differences=None)
        shown = self.state.value.result
        if not result or not shown:
            return
        client = self._session.client
        this = self._of

        def ask(_: object) -> tuple[Lineage, Lineage]:
            return this or client.lineage(shown), client.lineage(result)

        def told(both: tuple[Lineage, Lineage]) -> None:
            self._tell(differences=differences(*both), busy=False)

        self._tell(busy=True, problem="", next_step="")
        self._comparing.ask(ask, told, self._failed)

    def make_again(self, then: Callable[[Request], None]) -> None:
        """The same request once more, with all parameters as they were, for
        :meth:`bridge_ui.controllers.send.SendController.prefill`."""
        if self._of is not None:
            then(again(self._of))

    def close(self) -> None:
        self._showing.cancel()
        self._comparing.cancel()

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(busy=False, problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))


def again(lineage: Lineage) -> Request:
    """The request for the whole shot, its parameters as they were settled then: a default that
    has changed since changes nothing."""
    return lineage.request.model_copy(
        update={
            "parameters": dict(lineage.parameters),
            "try_frames": (),
            "made_from": None,
        }
    )


def facts(lineage: Lineage) -> tuple[Fact, ...]:
    """A lineage as lines to read."""
    timings, files = tr("Timings"), tr("Files")
    size = sum(file.size for file in lineage.outputs)
    asked = tr("RecentRequests")
    return (
        Fact(asked, tr("By"), lineage.asked_by),
        Fact(asked, tr("When"), f"{lineage.created.astimezone():%Y-%m-%d %H:%M}"),
        *_made(lineage),
        *(Fact(timings, step.step, f"{step.seconds:.2f} s") for step in lineage.timings),
        Fact(files, tr("In"), counted(len(lineage.inputs), "{n} file", "{n} files")),
        Fact(
            files,
            tr("Out"),
            counted(len(lineage.outputs), "{n} file", "{n} files") + ", " + spell_bytes(size),
        ),
    )


def differences(a: Lineage, b: Lineage) -> tuple[Difference, ...]:
    """What was not the same; what always differs (who, when, timings, files) is left out."""
    first = {(fact.group, fact.title): fact.value for fact in _made(a)}
    second = {(fact.group, fact.title): fact.value for fact in _made(b)}
    return tuple(
        Difference(group, title, first.get((group, title), ""), second.get((group, title), ""))
        for group, title in dict.fromkeys((*first, *second))
        if first.get((group, title)) != second.get((group, title))
    )


def _made(lineage: Lineage) -> list[Fact]:
    """What the pictures came of."""
    request = lineage.request
    asked, made, colour = tr("RecentRequests"), tr("Made with"), tr("Colour")
    found = [
        Fact(asked, tr("Service"), request.service),
        Fact(asked, tr("Plate"), request.shot.plate.path),
        Fact(
            asked,
            tr("Frames"),
            f"{request.shot.work_range.first}–{request.shot.work_range.last} · "
            + spell_frames(len(request.frames)),
        ),
    ]
    if request.note:
        found.append(Fact(asked, tr("Note"), request.note))
    if request.references:
        paths = ", ".join(reference.path for reference in request.references)
        found.append(Fact(asked, tr("References"), paths))
    if request.made_from:
        found.append(Fact(asked, tr("Answers"), request.made_from))
    found.append(Fact(asked, tr("Delivery"), request.delivery.value))
    found += [
        Fact(tr("Parameters"), name.replace("_", " "), _spell(value))
        for name, value in lineage.parameters.items()
    ]
    found.append(Fact(made, tr("Provider"), lineage.provider))
    found += [
        Fact(made, model.name, f"{model.version} · {model.licence} · {model.sha256[:12]}")
        for model in lineage.models
    ]
    found += [Fact(made, name, value) for name, value in lineage.runtime.items()]
    found += [
        Fact(colour, tr("Step {n}", n=number), words)
        for number, words in enumerate(lineage.colour, 1)
    ]
    found += [Fact(made, tr("Warning"), words) for words in lineage.warnings]
    found += [Fact(tr("Software"), name, version) for name, version in lineage.software.items()]
    return found


def _spell(value: Any) -> str:
    match value:
        case bool():
            return tr("on") if value else tr("off")
        case float():
            return f"{value:g}"
        case str() | int():
            return str(value)
        case _:
            return json.dumps(value)
