"""Asking for something: a service, its parameters, what that means, and sending it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import GatewayError, ShotbridgeError
from bridge_core.models.requests import Delivery, Reference, Request
from bridge_ui.controllers.before import Line, button, lines, missing
from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.form import Field, fields, fitting, matching
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.playhead import LookedAt
from bridge_ui.controllers.pool import Latest, Task
from bridge_ui.controllers.preset_shelf import PresetShelf
from bridge_ui.controllers.presets import Preset
from bridge_ui.controllers.rendering import Rendering
from bridge_ui.controllers.sending import Dispatch, Sending, keyed
from bridge_ui.controllers.unrendered import Unrendered
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.jobs import Estimate, Job
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.session import Session

__all__ = ["Field", "Line", "SendController", "SendState", "Sending"]

#: Seconds that a form rests before it is estimated: a slider that is being dragged asks nothing.
_REST = 0.15


@dataclass(frozen=True, slots=True)
class SendState:
    """Everything that the form shows."""

    services: tuple[Service, ...] = ()
    """All of them."""
    service: Service | None = None
    fields: tuple[Field, ...] = ()
    note: str = ""
    references: tuple[str, ...] = ()
    """Paths of pictures."""
    delivery: Delivery = Delivery.EXR
    shots: tuple[Shot, ...] = ()
    before: tuple[Line, ...] = ()
    """"Before you send"; empty while nothing is chosen."""
    estimating: bool = False
    missing: tuple[str, ...] = ()
    """What has to be done before it can be sent, in words; empty: it can."""
    button: str = ""
    """``Make v004``, ``Make 3 versions``"""
    rendering: Rendering = field(default_factory=Rendering)
    """What the host writes before it can be sent."""
    sending: Sending = field(default_factory=Sending)
    problem: str = ""
    """Why the last thing did not work."""
    next_step: str = ""
    told: str = ""
    """What was done last, in words."""
    made_from: str | None = None
    """Id of the version that this answers."""

    @property
    def can_send(self) -> bool:
        return not self.missing


class SendController:
    """``state`` is the form."""

    def __init__(self, session: Session, *, presets: Path | None = None) -> None:
        """``presets``: folder of the presets; None: under ``client.state_dir``."""
        self.state: Observable[SendState] = Observable(SendState())
        self._session = session
        folder = presets or session.settings.client.state_dir / "presets"
        self.presets = PresetShelf(session, folder, self._use, self._say, self._failed)
        self._given: dict[str, JsonValue] = {}
        """Values that somebody gave, by the parameter's name; kept from service to service."""
        self._requests: tuple[Request, ...] = ()
        """What sending would ask for, as the form stands; none while something in it is wrong."""
        self._estimates: tuple[Estimate, ...] = ()
        self._estimated: tuple[Request, ...] = ()
        """What the estimates are of."""
        self._refused: tuple[tuple[Request, ...], str] = ((), "")
        """What could not be estimated, and why."""
        self._asking: Latest[tuple[Estimate, ...]] = Latest(session.pool)
        self._dispatch = Dispatch(session)
        self.unrendered = Unrendered(session, self._dispatch, self._failed)
        self._to_render: dict[Shot, str] = {}
        """Handles of the shots whose plates the host has yet to write."""
        self._unwatch = [
            session.services.watch(self._offered),
            session.board.watch(self._learned),
            session.on_connected(self._form_changed),
            self._dispatch.state.watch(lambda sending: self._tell(sending=sending)),
            self.unrendered.rendering.watch(lambda rendering: self._tell(rendering=rendering)),
        ]
        self._form_changed()

    # The form

    def find(self, text: str) -> tuple[Service, ...]:
        """Services in which every word is found, best first; all of them for no text."""
        return matching(self.state.value.services, text)

    def choose(self, service: str) -> None:
        """Values that the service has as well are kept from one service to the next."""
        found = self._service(service)
        if found is None:
            self._tell(
                problem=tr("the gateway has no service {id}", id=repr(service)),
                next_step=tr("choose another one"),
            )
            return
        self._tell(service=found, problem="", next_step="")
        self._form_changed()
        self.presets.list(found.id)

    def set_value(self, name: str, value: JsonValue) -> None:
        self._given[name] = value
        self._form_changed()

    def reset(self, name: str | None = None) -> None:
        """A parameter, or all of them, as the service has it."""
        if name is None:
            self._given.clear()
        else:
            self._given.pop(name, None)
        self._form_changed()

    def set_note(self, text: str) -> None:
        self._tell(note=text)
        self._form_changed()

    def set_delivery(self, delivery: Delivery) -> None:
        self._tell(delivery=delivery)
        self._form_changed()

    def add_references(self, paths: Iterable[str]) -> None:
        self._tell(references=tuple(dict.fromkeys((*self.state.value.references, *paths))))
        self._form_changed()

    def remove_reference(self, path: str) -> None:
        left = tuple(one for one in self.state.value.references if one != path)
        self._tell(references=left)
        self._form_changed()

    def set_shots(self, shots: Iterable[Shot], to_render: Mapping[Shot, str] | None = None) -> None:
        """What is to be sent; ``to_render`` holds the host's handles of the shots whose plates it
        writes first. A request that answers a version does so for its own shot only."""
        found = tuple(shots)
        self._to_render = dict(to_render or {})
        changed: dict[str, Any] = {"shots": found}
        if [shot.id for shot in found] != [shot.id for shot in self.state.value.shots]:
            changed.update(made_from=None, told="")
        self._tell(**changed)
        self._form_changed()

    def prefill(self, request: Request) -> None:
        """Set the form to what was asked before; its shot becomes the one to send."""
        service = self._service(request.service)
        self._given = dict(request.parameters)
        problem = (
            ""
            if service is not None
            else tr("the gateway has no service {id} any more", id=repr(request.service))
        )
        self._tell(
            service=service or self.state.value.service,
            note=request.note,
            references=tuple(reference.path for reference in request.references),
            delivery=request.delivery,
            shots=(request.shot,),
            made_from=request.made_from,
            problem=problem,
            next_step=tr("choose another one") if problem else "",
        )
        self._form_changed()
        if service is not None:
            self.presets.list(service.id)

    # Sending

    def send(self) -> None:
        """One request for each shot, first into the outbox. Returns at once."""
        state = self.state.value
        if not state.can_send or state.service is None:
            return
        title, asked = state.service.title, list[str]()

        def accepted(requests: Iterable[Request]) -> None:
            asked.extend(request.shot.id.shot for request in requests)
            names = ", ".join(asked[:3])
            if len(asked) > 3:
                names += " " + counted(len(asked) - 3, "and {n} more", "and {n} more")
            self._tell(told=tr("{service} asked for {shots}", service=title, shots=names))

        requests = self._requests
        self._tell(problem="", next_step="", told="", made_from=None)
        self._send(requests, accepted, lambda _: None)

    def _send(
        self,
        requests: Iterable[Request],
        accepted: Callable[[Sequence[Request]], None],
        sent: Callable[[Job], None],
    ) -> None:
        """Those whose plates are there now, the others when the host has rendered them."""
        ready = [r for r in requests if r.shot not in self._to_render]
        others = [r for r in requests if r.shot in self._to_render]
        if ready:
            self._dispatch.send(keyed(ready), sent, self._failed, accepted=lambda: accepted(ready))
        if others:
            wanted = [(self._to_render[request.shot], request) for request in others]
            self.unrendered.ask(wanted, sent, lambda: accepted(others))

    def try_frame(
        self, looked_at: LookedAt | None, then: Callable[[Job], None] | None = None
    ) -> None:
        """A frame of one of the shots that are to be sent, to be looked at; None: nobody looks at
        one. ``then`` is told the job once the gateway has it."""
        if looked_at is None:
            self._tell(
                problem=tr("no frame of what is to be sent is looked at"),
                next_step=tr("go to a frame of it in {host}", host=self._session.host.title),
            )
            return
        frame, name = looked_at.frame, looked_at.shot.shot
        found = next((r for r in self._requests if looked_at.is_in(r.shot)), None)
        if found is None:
            self._tell(
                problem=tr(
                    "frame {frame} of {shot} is not in what is to be sent", frame=frame, shot=name
                ),
                next_step=tr("select its shot, or go to a frame of this one"),
            )
            return
        request = found.model_copy(update={"try_frames": (frame,)})
        told = tr("frame {frame} of {shot} is tried", frame=frame, shot=name)
        self._tell(problem="", next_step="", told="")
        self._send([request], lambda _: self._tell(told=told), then or (lambda _: None))

    def stop_sending(self) -> None:
        """Take back what is not at the gateway yet, and render no more."""
        self.unrendered.stop()
        self._dispatch.take_back()

    def close(self) -> None:
        """Stop telling. What is being sent goes on, or waits in the outbox; what the host has yet
        to render is left to a later panel."""
        self.unrendered.close()
        for unwatch in self._unwatch:
            unwatch()
        self._asking.cancel()
        self.presets.close()

    def save_preset(self, name: str) -> None:
        """Keep the form under a name."""
        state = self.state.value
        if state.service is None or not name.strip():
            self._tell(
                problem=tr("a preset has a name and a service"), next_step=tr("give it a name")
            )
            return
        self.presets.save(
            Preset(
                service=state.service.id,
                name=name.strip()[:128],
                parameters={one.parameter.name: one.value for one in state.fields},
                note=state.note,
                delivery=state.delivery,
            )
        )

    # Behind the form

    def _service(self, which: str) -> Service | None:
        return next((one for one in self.state.value.services if one.id == which), None)

    def _offered(self, services: tuple[Service, ...]) -> None:
        """The gateway's services; the one that was chosen may be otherwise by now, or gone."""
        chosen = self.state.value.service
        now = next((one for one in services if chosen is not None and one.id == chosen.id), None)
        if now is None:
            now = next((one for one in services if one.available), next(iter(services), None))
        self._tell(services=services, service=now)
        self._form_changed()
        if now is not None and now != chosen:
            self.presets.list(now.id)

    def _form_changed(self) -> None:
        state = self.state.value
        if state.service is None:
            self._requests = ()
            self._tell(
                fields=(),
                missing=self._missing(()),
                before=(),
                button=button((), 0, self._session.board),
            )
            return
        self._tell(fields=fields(state.service, self._given))
        requests = self._requests = self._asked_for()
        if requests != self._estimated:
            self._estimates = ()
            self._estimate(requests)
        self._tell_meaning(requests)

    def _tell_meaning(self, requests: tuple[Request, ...]) -> None:
        service = self.state.value.service
        ahead = sum(not job.state.ended for job in self._session.board.jobs.values())
        up = self._session.connection.value.up
        before: tuple[Line, ...] = ()
        if service is not None and requests:
            first = sum(r.shot.work_range.count for r in requests if r.shot in self._to_render)
            renders = (first, self._session.host.title) if first else None
            before = lines(service, requests, self._estimates, ahead, connected=up, renders=renders)
        self._tell(
            before=before,
            missing=self._missing(requests),
            button=button(requests, len(self.state.value.shots), self._session.board),
            estimating=self._asking.busy,
        )

    def _asked_for(self) -> tuple[Request, ...]:
        """One for each shot, as the form stands; none while a value is wrong."""
        state = self.state.value
        if state.service is None or any(one.problem for one in state.fields):
            return ()
        taken = state.references if state.service.takes_references else ()
        references = tuple(Reference(path=path) for path in taken)
        try:
            return tuple(
                Request(
                    shot=shot,
                    service=state.service.id,
                    parameters=fitting(state.service, self._given),
                    references=references,
                    note=state.note,
                    delivery=state.delivery,
                    asked_by=self._session.user,
                    made_from=state.made_from,
                )
                for shot in state.shots
            )
        except ValueError:
            return ()  # a note without end, or a shot of days: _missing says so

    def _missing(self, requests: tuple[Request, ...]) -> tuple[str, ...]:
        state = self.state.value
        refused = self._refused[1] if self._refused[0] == requests else ""
        return missing(state.service, state.shots, state.fields, requests, self._estimates, refused)

    def _estimate(self, requests: tuple[Request, ...]) -> None:
        self._estimated = requests
        if not requests or not self._session.connection.value.up:
            self._asking.cancel()
            self._estimated = ()
            return
        client = self._session.client

        def ask(task: Task) -> tuple[Estimate, ...]:
            task.flag.wait(_REST)
            found = []
            for request in requests:
                if task.cancelled:
                    break
                found.append(client.estimate(request))
            return tuple(found)

        def told(estimates: tuple[Estimate, ...]) -> None:
            self._estimates, self._refused = estimates, ((), "")
            self._tell_meaning(requests)

        def failed(error: ShotbridgeError) -> None:
            if isinstance(error, GatewayError):
                self._estimated = ()  # asked again when the gateway is back
            else:
                self._refused = (requests, error.what)
            self._tell_meaning(requests)

        self._asking.ask(ask, told, failed)

    def _learned(self, change: BoardChange) -> None:
        if change.jobs or change.versions:
            self._tell_meaning(self._requests)

    def _use(self, preset: Preset) -> None:
        service = self._service(preset.service)
        if service is None:
            self._tell(
                problem=tr(
                    "the preset is for {id}, which the gateway does not have",
                    id=repr(preset.service),
                ),
                next_step=tr("choose another preset"),
            )
            return
        self._given = dict(preset.parameters)
        self._tell(service=service, note=preset.note, delivery=preset.delivery)
        self._form_changed()
        self._say(tr("preset {name} used", name=preset.name))
        self.presets.list(service.id)

    def _say(self, told: str) -> None:
        self._tell(told=told, problem="", next_step="")

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))
