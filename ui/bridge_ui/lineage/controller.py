"""How a version was made, and how two versions differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge_ui.core.display_text import (
    format_frame_count,
    format_range,
    format_size,
    format_timestamp,
)
from bridge_ui.core.observable import ActionState, Observable, unwatch_all
from bridge_ui.core.thread_pool import LatestCall
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.revision import repeat_request

if TYPE_CHECKING:
    from bridge_core.models.requests import Request
    from bridge_core.models.versions import Lineage
    from bridge_ui.core.session import Session


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a lineage. ``group``: ``Request``, ``Parameters``, ``Made with``, ``Colour``,
    ``Software``, ``Timings``, ``Files``."""

    group: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that differs between two versions; empty for one that lacks it."""

    group: str
    title: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class LineageState(ActionState):
    result: str = ""
    label: str = ""
    facts: tuple[Fact, ...] = ()
    compared_result: str = ""
    compared_label: str = ""
    differences: tuple[Difference, ...] | None = None
    """None: not compared; empty: no difference."""


class LineageController:
    def __init__(self, session: Session) -> None:
        self.state: Observable[LineageState] = Observable(LineageState())
        self._session = session
        self._lineage: Lineage | None = None
        self._lineage_call: LatestCall[Lineage] = LatestCall(session.request_pool)
        self._compare_call: LatestCall[tuple[Lineage, Lineage]] = LatestCall(session.request_pool)
        self.close = unwatch_all(self._lineage_call.cancel, self._compare_call.cancel)

    def show(self, result: str, label: str = "") -> None:
        """Show a version or a test frame; empty: none."""
        self._lineage = None
        self._compare_call.cancel()
        self._lineage_call.cancel()
        self.state.set(LineageState(result=result, label=label, busy=bool(result)))
        if not result:
            return
        client = self._session.client

        def loaded(lineage: Lineage) -> None:
            self._lineage = lineage
            self.state.update(facts=lineage_facts(lineage), busy=False)

        self._lineage_call.run(lambda _: client.lineage(result), loaded, self.state.show_error)

    def compare(self, result: str | None, label: str = "") -> None:
        """Show the differences to another result; None ends the comparison."""
        self._compare_call.cancel()
        self.state.update(compared_result=result or "", compared_label=label, differences=None)
        shown = self.state.value.result
        if not result or not shown:
            return
        client = self._session.client
        this = self._lineage

        def fetch(_: object) -> tuple[Lineage, Lineage]:
            return this or client.lineage(shown), client.lineage(result)

        def loaded(both: tuple[Lineage, Lineage]) -> None:
            self.state.update(differences=lineage_differences(*both), busy=False)

        self.state.update(busy=True, problem="", next_step="")
        self._compare_call.run(fetch, loaded, self.state.show_error)

    def repeat(self, on_request: Callable[[Request], None]) -> None:
        """Build the same request again for
        :meth:`bridge_ui.send.controller.SendController.prefill`."""
        if self._lineage is not None:
            on_request(repeat_request(self._lineage))


def lineage_facts(lineage: Lineage) -> tuple[Fact, ...]:
    """The lines of a lineage."""
    timings, files = tr("Timings"), tr("Files")
    size = sum(file.size for file in lineage.outputs)
    request = tr("Request")
    return (
        Fact(request, tr("By"), lineage.requested_by),
        Fact(request, tr("When"), format_timestamp(lineage.created)),
        *_recipe_facts(lineage),
        *(Fact(timings, step.step, f"{step.seconds:.2f} s") for step in lineage.timings),
        Fact(files, tr("In"), tr_count(len(lineage.inputs), "{n} file", "{n} files")),
        Fact(
            files,
            tr("Out"),
            tr_count(len(lineage.outputs), "{n} file", "{n} files") + ", " + format_size(size),
        ),
    )


def lineage_differences(a: Lineage, b: Lineage) -> tuple[Difference, ...]:
    """Facts that differ, without those that always do (user, time, timings, files)."""
    first = {(fact.group, fact.title): fact.value for fact in _recipe_facts(a)}
    second = {(fact.group, fact.title): fact.value for fact in _recipe_facts(b)}
    return tuple(
        Difference(group, title, first.get((group, title), ""), second.get((group, title), ""))
        for group, title in dict.fromkeys((*first, *second))
        if first.get((group, title)) != second.get((group, title))
    )


def _recipe_facts(lineage: Lineage) -> list[Fact]:
    """What the result depends on."""
    request = lineage.request
    requested, made_with, colour = tr("Request"), tr("Made with"), tr("Colour")
    frames = f"{format_range(request.shot.work_range)} · {format_frame_count(len(request.frames))}"
    paths = ", ".join(reference.path for reference in request.references)
    optional = (
        (tr("Note"), request.note),
        (tr("References"), paths),
        (tr("Mattes"), ", ".join(matte.path for matte in request.mattes)),
        (tr("Revises"), request.source_version_id),
    )
    models = ((m.name, f"{m.version} · {m.licence} · {m.sha256[:12]}") for m in lineage.models)
    return [
        Fact(requested, tr("Service"), request.service),
        Fact(requested, tr("Plate"), request.shot.plate.path),
        Fact(requested, tr("Frames"), frames),
        *(Fact(requested, name, value) for name, value in optional if value),
        Fact(requested, tr("Delivery"), request.output_format.value),
        *(
            Fact(tr("Parameters"), name.replace("_", " "), _value_text(value))
            for name, value in lineage.parameters.items()
        ),
        Fact(made_with, tr("Provider"), lineage.provider),
        *(Fact(made_with, name, value) for name, value in models),
        *(Fact(made_with, name, value) for name, value in lineage.runtime.items()),
        *(Fact(colour, tr("Step {n}", n=n), text) for n, text in enumerate(lineage.colour, 1)),
        *(Fact(made_with, tr("Warning"), text) for text in lineage.warnings),
        *(Fact(tr("Software"), name, version) for name, version in lineage.software.items()),
    ]


def _value_text(value: Any) -> str:
    match value:
        case bool():
            return tr("on") if value else tr("off")
        case float():
            return f"{value:g}"
        case str() | int():
            return str(value)
        case _:
            return json.dumps(value)
