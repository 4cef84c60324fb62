"""State of the Send form, and the requests made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import OutputFormat
from bridge_ui.core.observable import ActionState
from bridge_ui.core.translate import tr
from bridge_ui.host.plate_renderer import RenderProgress
from bridge_ui.send.form import FormField, valid_values
from bridge_ui.send.request_sender import SendProgress
from bridge_ui.send.send_summary import SummaryLine

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.requests import MatteRegion, Reference, Region, Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot


@dataclass(frozen=True, slots=True)
class SendState(ActionState):
    services: tuple[Service, ...] = ()
    service: Service | None = None
    fields: tuple[FormField, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    regions: tuple[Region, ...] = ()
    """Those of the request that the form was filled from."""
    chosen_mattes: tuple[MatteRegion, ...] = ()
    """Chosen in the form; at most one."""
    matte_problem: str = ""
    """Why a matte cannot be read; otherwise empty."""
    matte_next_step: str = ""
    seed: int | None = None
    """That of the request that the form was filled from; the form itself has none."""
    output_format: OutputFormat = OutputFormat.EXR
    shots: tuple[Shot, ...] = ()
    summary: tuple[SummaryLine, ...] = ()
    """"Before you send"; empty if nothing is chosen."""
    quoting: bool = False
    """The gateway is asked what the requests would take."""
    question: str = ""
    """Whether to repeat a request that is active or recently done; otherwise empty."""
    missing: tuple[str, ...] = ()
    """What has to be done before it can be sent; empty: nothing."""
    button_text: str = ""
    """``Make v004``, ``Make 3 versions``"""
    render_progress: RenderProgress = field(default_factory=RenderProgress)
    send_progress: SendProgress = field(default_factory=SendProgress)
    source_version_id: str | None = None
    """The version that this request revises."""

    @property
    def can_send(self) -> bool:
        return not self.missing

    @property
    def mattes(self) -> tuple[MatteRegion, ...]:
        inherited = (region for region in self.regions if region.kind == "matte")
        return (*inherited, *self.chosen_mattes)


def build_requests(state: SendState, values: Mapping[str, JsonValue]) -> tuple[Request, ...]:
    """One request per shot; none while a value is invalid. ``values`` are the given ones."""
    if state.service is None or any(form_field.problem for form_field in state.fields):
        return ()
    from bridge_core.models.requests import Request

    accepts = state.service.accepts
    try:
        return tuple(
            Request(
                shot=shot,
                service=state.service.id,
                parameters=valid_values(state.service, values),
                references=state.references if accepts.references else (),
                # Never left out: without them, the whole picture may change.
                regions=(*state.regions, *state.chosen_mattes),
                seed=state.seed if accepts.seed else None,
                note=state.note,
                output_format=state.output_format,
                source_version_id=state.source_version_id,
            )
            for shot in state.shots
        )
    except ValueError:
        return ()  # note or shot too long; missing_steps() says so


def kept_note_text(previous: SendState) -> str:
    """Message that a note is kept, as it is no longer shown."""
    names = ", ".join(shot.id.shot for shot in previous.shots[:2])
    if len(previous.shots) > 2:
        names += " …"
    service = previous.service.title if previous.service is not None else ""
    return tr("Your note for {shots} · {service} is kept with them", shots=names, service=service)
