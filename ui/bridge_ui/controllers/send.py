"""Asking for something: a service, its parameters, what that means, and sending it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ShotbridgeError
from bridge_core.models.jobs import JobState
from bridge_core.models.requests import Delivery, Request
from bridge_ui.controllers.before import Line, button, lines, missing
from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.estimator import Estimator
from bridge_ui.controllers.form import Field, fields, matching
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.playhead import LookedAt
from bridge_ui.controllers.preset_shelf import PresetShelf
from bridge_ui.controllers.presets import Preset
from bridge_ui.controllers.recent_requests import Repeat
from bridge_ui.controllers.send_state import SendState, kept_note, requests_of
from bridge_ui.controllers.sending import Dispatch, Sending, keyed
from bridge_ui.controllers.unrendered import Unrendered
from bridge_ui.controllers.unsent import UnsentInputs
from bridge_ui.controllers.words import name_missing
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.jobs import Job
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.session import Session

__all__ = ["Field", "Line", "SendController", "SendState", "Sending"]


class SendController:
    """``state`` is the form."""

    def __init__(self, session: Session, *, presets: Path | None = None) -> None:
        """``presets``: folder of the presets; None: under ``client.state_dir``."""
        self.state: Observable[SendState] = Observable(SendState())
        self._session = session
        folder = presets or session.settings.client.state_dir / "presets"
        self.presets = PresetShelf(session, folder, self._use, self._say, self._failed)
        self._unsent = UnsentInputs()
        self._requests: tuple[Request, ...] = ()
        """What sending would ask for, as the form stands; none while something in it is wrong."""
        self._estimator = Estimator(session, lambda: self._tell_meaning(self._requests))
        self._repeat = Repeat(
            session.recent_requests, lambda question: self._tell(question=question)
        )
        self._dispatch = Dispatch(session)
        self.unrendered = Unrendered(session, self._dispatch, self._failed)
        self._to_render: dict[Shot, str] = {}
        """Handles of the shots whose plates the host has yet to write."""
        self._unwatch = [
            session.services.watch(self._offered),
            session.board.watch(self._learned),
            session.on_connected(self._form_changed),
            session.on_named(self._form_changed),
            self._dispatch.state.watch(lambda sending: self._tell(sending=sending)),
            self.unrendered.rendering.watch(lambda rendering: self._tell(rendering=rendering)),
        ]
        self._form_changed()

    # The form

    def find(self, text: str) -> tuple[Service, ...]:
        """Services in which every word is found, best first; all of them for no text."""
        return matching(self.state.value.services, text)

    def choose(self, service: str) -> None:
        """What was written for the last one is kept."""
        found = self._service(service)
        if found is None:
            self._tell(
                problem=tr("the gateway has no service {id}", id=repr(service)),
                next_step=tr("choose another one"),
            )
            return
        self._switch_to(service=found, problem="", next_step="")
        self.presets.list(found.id)

    def set_value(self, name: str, value: JsonValue) -> None:
        self._set_values({**self._values(), name: value})

    def reset(self, name: str | None = None) -> None:
        """A parameter, or all of them, as the service has it."""
        values = self._values() if name is not None else {}
        self._set_values({one: value for one, value in values.items() if one != name})

    def set_note(self, text: str) -> None:
        """Belongs to the shots and the service that are chosen now, until it is sent."""
        self._write(note=text)

    def set_delivery(self, delivery: Delivery) -> None:
        self._tell(delivery=delivery)
        self._form_changed()

    def add_references(self, paths: Iterable[str]) -> None:
        self._write(references=tuple(dict.fromkeys((*self.state.value.references, *paths))))

    def remove_reference(self, path: str) -> None:
        left = tuple(one for one in self.state.value.references if one != path)
        self._write(references=left)

    def set_shots(self, shots: Iterable[Shot], to_render: Mapping[Shot, str] | None = None) -> None:
        """What is to be sent; ``to_render`` holds the host's handles of the shots whose plates it
        writes first. What was written for the last selection is kept."""
        found = tuple(shots)
        self._to_render = dict(to_render or {})
        self._switch_to(shots=found)

    def prefill(self, request: Request) -> None:
        """Set the form to what was asked before; its shot becomes the one to send."""
        service = self._service(request.service)
        problem = (
            ""
            if service is not None
            else tr("the gateway has no service {id} any more", id=repr(request.service))
        )
        self._switch_to(
            service=service or self.state.value.service,
            delivery=request.delivery,
            shots=(request.shot,),
            problem=problem,
            next_step=tr("choose another one") if problem else "",
        )
        self._set_values(request.parameters)
        self._write(
            note=request.note,
            references=tuple(reference.path for reference in request.references),
            made_from=request.made_from,
        )
        if service is not None:
            self.presets.list(service.id)

    # Sending

    def send(self) -> None:
        """One request for each shot, first into the outbox. Returns at once. What is being made
        or was just made is asked about first, in ``state.question``."""
        state = self.state.value
        if not state.can_send or state.service is None:
            return
        service, shots, requests = state.service, state.shots, self._requests
        asked: list[str] = []

        def accepted(some: Iterable[Request]) -> None:
            asked.extend(request.shot.id.shot for request in some)
            names = ", ".join(asked[:3])
            if len(asked) > 3:
                names += " " + counted(len(asked) - 3, "and {n} more", "and {n} more")
            if len(asked) == len(requests):
                self._sent(service, shots, requests[0])
            self._tell(told=tr("{service} asked for {shots}", service=service.title, shots=names))

        self._ask_or_send(requests, accepted, lambda _: None)

    def send_anyway(self) -> None:
        """Yes to ``state.question``."""
        self._repeat.yes()

    def dismiss_question(self) -> None:
        """No to ``state.question``."""
        self._repeat.no()

    def _ask_or_send(
        self,
        requests: Sequence[Request],
        accepted: Callable[[Sequence[Request]], None],
        sent: Callable[[Job], None],
    ) -> None:
        self._tell(problem="", next_step="", told="")
        self._repeat.ask(requests, partial(self._send, requests, accepted, sent))

    def _sent(self, service: Service, shots: tuple[Shot, ...], request: Request) -> None:
        """Clear the note that was sent; what was written since is kept."""
        unsent = self._unsent.of(service, shots)
        note = "" if unsent.note == request.note else unsent.note
        self._unsent.keep(service, shots, replace(unsent, note=note, made_from=None))
        self._switch_to()

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
        self._ask_or_send([request], lambda _: self._tell(told=told), then or (lambda _: None))

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
        self._estimator.close()
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

    def _values(self) -> dict[str, JsonValue]:
        """What was given for the chosen service and shots."""
        return self._unsent.values(self.state.value.service, self.state.value.shots)

    def _set_values(self, values: Mapping[str, JsonValue]) -> None:
        state = self.state.value
        if state.service is not None:
            self._unsent.set_values(state.service, state.shots, values)
        self._form_changed()

    def _write(self, **written: Any) -> None:
        """Change the unsent input for the chosen service and shots."""
        state = self.state.value
        unsent = self._unsent.of(state.service, state.shots)
        self._unsent.keep(state.service, state.shots, replace(unsent, **written))
        self._tell(**written)
        self._form_changed()

    def _switch_to(self, **changed: Any) -> None:
        """Other shots or another service, with the unsent input for them."""
        left = self.state.value
        now = replace(left, **changed)
        unsent = self._unsent.of(now.service, now.shots)
        if (now.service, now.shots) != (left.service, left.shots):
            changed["told"] = kept_note(left) if left.note and unsent.note != left.note else ""
        self._tell(
            **changed,
            note=unsent.note,
            references=unsent.references,
            made_from=unsent.made_from,
        )
        self._form_changed()

    def _service(self, which: str) -> Service | None:
        return next((one for one in self.state.value.services if one.id == which), None)

    def _offered(self, services: tuple[Service, ...]) -> None:
        """The gateway's services; the one that was chosen may be otherwise by now, or gone."""
        chosen = self.state.value.service
        now = next((one for one in services if chosen is not None and one.id == chosen.id), None)
        if now is None:
            now = next((one for one in services if one.available), next(iter(services), None))
        self._tell(services=services)
        self._switch_to(service=now)
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
        self._tell(fields=fields(state.service, self._values()))
        before, requests = self._requests, self._asked_for()
        self._requests = requests
        if requests != before and state.question:
            self.dismiss_question()  # it was about something else
        self._estimator.ask(requests)
        self._tell_meaning(requests)

    def _tell_meaning(self, requests: tuple[Request, ...]) -> None:
        service = self.state.value.service
        ahead = self._session.board.count(JobState.QUEUED, JobState.RUNNING)
        up = self._session.connection.value.up
        before: tuple[Line, ...] = ()
        if service is not None and requests:
            first = sum(r.shot.work_range.count for r in requests if r.shot in self._to_render)
            renders = (first, self._session.host.title) if first else None
            found = self._estimator.found
            before = lines(service, requests, found, ahead, connected=up, renders=renders)
        self._tell(
            before=before,
            missing=self._missing(requests),
            button=button(requests, len(self.state.value.shots), self._session.board),
            estimating=self._estimator.busy,
        )

    def _asked_for(self) -> tuple[Request, ...]:
        """One for each shot, as the form stands; none while a value is wrong."""
        return requests_of(self.state.value, self._values(), self._session.user)

    def _missing(self, requests: tuple[Request, ...]) -> tuple[str, ...]:
        state, asked = self.state.value, self._estimator
        unnamed = () if self._session.user.strip() else (name_missing()[1],)
        found = missing(
            state.service,
            state.shots,
            state.fields,
            requests,
            asked.found,
            asked.why_not(requests),
        )
        return (*unnamed, *found)

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
        self._switch_to(service=service, delivery=preset.delivery)
        self._set_values(preset.parameters)
        self._write(note=preset.note)
        self._say(tr("preset {name} used", name=preset.name))
        self.presets.list(service.id)

    def _say(self, told: str) -> None:
        self._tell(told=told, problem="", next_step="")

    def _failed(self, error: ShotbridgeError) -> None:
        self._tell(problem=error.what, next_step=error.next_step)

    def _tell(self, **changed: Any) -> None:
        self.state.set(replace(self.state.value, **changed))
