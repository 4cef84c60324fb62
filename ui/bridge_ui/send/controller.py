"""The Send form: service, parameters, summary, sending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.models.enumerations import JobState, OutputFormat
from bridge_ui.core.display_text import file_names, format_names, missing_user_name
from bridge_ui.core.observable import Observable, unwatch_all
from bridge_ui.core.recent_requests import DuplicateCheck
from bridge_ui.core.store import StoreChange
from bridge_ui.core.translate import tr
from bridge_ui.host.playhead import ViewedFrame
from bridge_ui.send.form import UnsentInputs, form_fields, search_services
from bridge_ui.send.mattes import MatteFinder
from bridge_ui.send.pending_renders import PendingRenders
from bridge_ui.send.presets import Preset, PresetController
from bridge_ui.send.quotes import QuoteLoader
from bridge_ui.send.request_sender import RequestSender, with_keys
from bridge_ui.send.send_summary import SummaryLine, button_text, missing_steps, summary_lines
from bridge_ui.send.state import SendState, build_requests, kept_note_text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import MatteRegion, Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session


class SendController:
    """``state`` is everything that the form shows."""

    def __init__(self, session: Session, *, preset_folder: Path | None = None) -> None:
        """``preset_folder``: None: under ``client.state_dir``."""
        self.state: Observable[SendState] = Observable(SendState())
        self._session = session
        folder = preset_folder or session.settings.client.state_dir / "presets"
        self.presets = PresetController(
            session, folder, self._apply_preset, self._show_message, self.state.show_error
        )
        self._unsent_inputs = UnsentInputs()
        self._requests: tuple[Request, ...] = ()
        """The requests of the current form; none while it is invalid."""
        self._quotes = QuoteLoader(session, self._update_summary)
        self._mattes = MatteFinder(session, self._update_summary)
        self.duplicate_check = DuplicateCheck(
            session.recent_requests, lambda question: self.state.update(question=question)
        )
        self._sender = RequestSender(session)
        self.pending_renders = PendingRenders(session, self._sender, self.state.show_error)
        self._item_ids_to_render: dict[Shot, str] = {}
        """The host's item ids of the shots whose plates it has to render first."""
        self.close = unwatch_all(
            self.pending_renders.close,
            session.services.watch(self._services_changed),
            session.store.watch(self._store_changed),
            session.on_connected(self._ask_again),
            session.on_retry(self._retry),
            session.on_user_changed(self._form_changed),
            self._sender.state.watch(lambda progress: self.state.update(send_progress=progress)),
            self.pending_renders.progress.watch(
                lambda progress: self.state.update(render_progress=progress)
            ),
            self._quotes.close,
            self._mattes.close,
            self.presets.close,
        )
        """Requests that are being sent continue or stay in the outbox; pending renders are left to
        a later panel."""
        self._form_changed()

    # The form

    def find_services(self, text: str) -> tuple[Service, ...]:
        """Services that contain every word, best first; all for an empty text."""
        return search_services(self.state.value.services, text)

    def choose_service(self, service: str) -> None:
        """Switch to a service; the input for the previous one is kept."""
        chosen = self._session.service(service)
        if chosen is None:
            problem = tr("the gateway has no service {id}", id=repr(service))
            self.state.show_problem(problem, tr("choose another one"))
            return
        self._switch_to(service=chosen, problem="", next_step="")
        self.presets.show_service(chosen.id)

    def set_value(self, name: str, value: JsonValue) -> None:
        self._set_values({**self._values(), name: value})

    def reset(self) -> None:
        """Reset all parameters to their defaults; remove regions, mattes and the seed."""
        self._set_values({})
        self._write_input(regions=(), chosen_mattes=(), seed=None)

    def set_note(self, text: str) -> None:
        """Set the note for the current shots and service, until it is sent."""
        self._write_input(note=text)

    def set_output_format(self, output_format: OutputFormat) -> None:
        self.state.update(output_format=output_format)
        self._form_changed()

    def add_references(self, paths: Iterable[str]) -> None:
        from bridge_core.models.requests import Reference

        references = self.state.value.references
        known = {reference.path for reference in references}
        added = (Reference(path=path) for path in dict.fromkeys(paths) if path not in known)
        self._write_input(references=(*references, *added))

    def remove_reference(self, path: str) -> None:
        references = self.state.value.references
        self._write_input(references=tuple(r for r in references if r.path != path))

    def choose_matte(self, path: str) -> None:
        """Let the current request change only what is white in a picture, or in the sequence that
        it is a frame of; replaces other mattes."""
        service, shots = self.state.value.service, self.state.value.shots
        if not shots:
            self.state.show_problem(tr("a matte is for a shot"), tr("select a shot"))
            return

        def found(matte: MatteRegion) -> None:
            # Another shot may be current by now.
            self._unsent_inputs.set_mattes(service, shots, (matte,))
            self._switch_to(message="")

        def failed(error: ShotbridgeError) -> None:
            self._show_message("")
            self.state.show_error(error)

        self._show_message(tr("looking for the files of {file}", file=file_names([path])))
        self._mattes.find(path, shots[0].work_range.frames(), found, failed)

    def remove_mattes(self) -> None:
        state = self.state.value
        self._unsent_inputs.set_mattes(state.service, state.shots, ())
        self._switch_to()

    def set_shots(
        self, shots: Iterable[Shot], item_ids_to_render: Mapping[Shot, str] | None = None
    ) -> None:
        """Set the shots to send. ``item_ids_to_render`` has the host's item ids of those whose
        plates it has to render first. The input for the previous shots is kept."""
        shots_to_send = tuple(shots)
        self._item_ids_to_render = dict(item_ids_to_render or {})
        self._switch_to(shots=shots_to_send)

    def prefill(self, request: Request) -> None:
        """Fill the form from an earlier request, including its shot, regions and seed."""
        service = self._session.service(request.service)
        problem = ""
        if service is None:
            problem = tr("the gateway no longer has the service {id}", id=repr(request.service))
        self._switch_to(
            service=service or self.state.value.service,
            output_format=request.output_format,
            shots=(request.shot,),
            problem=problem,
            next_step=tr("choose another one") if problem else "",
        )
        self._set_values(request.parameters)
        self._write_input(
            note=request.note,
            references=request.references,
            regions=request.regions,
            chosen_mattes=(),
            seed=request.seed,
            source_version_id=request.source_version_id,
        )
        if service is not None:
            self.presets.show_service(service.id)

    # Sending

    def send(self) -> None:
        """Send one request per shot, through the outbox; returns at once. If one is active or
        recently done, ``state.question`` asks first."""
        state = self.state.value
        if not state.can_send or state.service is None:
            return
        service, shots, requests = state.service, state.shots, self._requests
        sent_shots: list[str] = []

        def accepted(some: Iterable[Request]) -> None:
            sent_shots.extend(request.shot.id.shot for request in some)
            if len(sent_shots) == len(requests):
                self._clear_sent_input(service, shots, requests[0])
            names = format_names(sent_shots)
            text = tr("{service} requested for {shots}", service=service.title, shots=names)
            self.state.update(message=text)

        self._check_and_send(requests, accepted, lambda _: None)

    def _check_and_send(
        self,
        requests: Sequence[Request],
        accepted: Callable[[Sequence[Request]], None],
        sent: Callable[[Job], None],
    ) -> None:
        self.state.update(problem="", next_step="", message="")
        self.duplicate_check.check(requests, partial(self._send, requests, accepted, sent))

    def _clear_sent_input(
        self, service: Service, shots: tuple[Shot, ...], request: Request
    ) -> None:
        """Clear the note that was sent, unless it changed since, and what came with an earlier
        request."""
        unsent = self._unsent_inputs.get(service, shots)
        note = "" if unsent.note == request.note else unsent.note
        sent = replace(unsent, note=note, regions=(), seed=None, source_version_id=None)
        self._unsent_inputs.put(service, shots, sent)
        self._switch_to()

    def _send(
        self,
        requests: Iterable[Request],
        accepted: Callable[[Sequence[Request]], None],
        sent: Callable[[Job], None],
    ) -> None:
        """Send requests with plates now, the others when the host has rendered theirs."""
        ready = [r for r in requests if r.shot not in self._item_ids_to_render]
        others = [r for r in requests if r.shot in self._item_ids_to_render]
        if ready:
            self._sender.send(
                with_keys(ready), sent, self.state.show_error, on_accepted=lambda: accepted(ready)
            )
        if others:
            requests_by_item = [
                (self._item_ids_to_render[request.shot], request) for request in others
            ]
            self.pending_renders.add(requests_by_item, sent, lambda: accepted(others))

    def request_test_frame(
        self, viewed_frame: ViewedFrame | None, on_sent: Callable[[Job], None] | None = None
    ) -> None:
        """Request a test frame of one of the shots to send; ``viewed_frame``: None if no frame is
        viewed. ``on_sent`` gets the job once the gateway has it."""
        if viewed_frame is None:
            problem = tr("no frame of the shots to send is on screen")
            step = tr("go to a frame of one in {host}", host=self._session.host.title)
            self.state.show_problem(problem, step)
            return
        frame, name = viewed_frame.frame, viewed_frame.shot.shot
        viewed_request = next((r for r in self._requests if viewed_frame.is_within(r.shot)), None)
        if viewed_request is None:
            text = tr("frame {frame} of {shot} is not in the shots to send", frame=frame, shot=name)
            step = tr("select its shot, or go to a frame of a selected shot")
            self.state.show_problem(text, step)
            return
        request = viewed_request.model_copy(update={"test_frames": (frame,)})
        message = tr("test frame {frame} of {shot} requested", frame=frame, shot=name)
        sent = on_sent or (lambda _: None)
        self._check_and_send([request], lambda _: self.state.update(message=message), sent)

    def stop_sending(self) -> None:
        """Withdraw everything not yet sent to the gateway, and stop rendering."""
        self.pending_renders.stop()
        self._sender.withdraw_all()

    def save_preset(self, name: str) -> None:
        """Save the form under a name."""
        state = self.state.value
        if state.service is None or not name.strip():
            self.state.show_problem(tr("a preset needs a name and a service"), tr("enter a name"))
            return
        self.presets.save(
            Preset(
                service=state.service.id,
                name=name.strip()[:128],
                parameters={field.parameter.name: field.value for field in state.fields},
                note=state.note,
                output_format=state.output_format,
            )
        )

    # State of the form

    def _values(self) -> dict[str, JsonValue]:
        """The given values for the current service and shots."""
        return self._unsent_inputs.values(self.state.value.service, self.state.value.shots)

    def _set_values(self, values: Mapping[str, JsonValue]) -> None:
        state = self.state.value
        if state.service is not None:
            self._unsent_inputs.set_values(state.service, state.shots, values)
        self._form_changed()

    def _write_input(self, **written: Any) -> None:
        """Change the unsent input for the current service and shots."""
        state = self.state.value
        unsent = self._unsent_inputs.get(state.service, state.shots)
        self._unsent_inputs.put(state.service, state.shots, replace(unsent, **written))
        self.state.update(**written)
        self._form_changed()

    def _switch_to(self, **changed: Any) -> None:
        """Switch shots or service, and restore the unsent input for them."""
        previous = self.state.value
        now = replace(previous, **changed)
        unsent = self._unsent_inputs.get(now.service, now.shots)
        if (now.service, now.shots) != (previous.service, previous.shots):
            keeps_note = previous.note and unsent.note != previous.note
            changed["message"] = kept_note_text(previous) if keeps_note else ""
        self.state.update(**changed, **unsent.shown_fields())
        self._form_changed()

    def _ask_again(self) -> None:
        """The gateway may give other quotes than before."""
        self._quotes.forget()
        self._form_changed()

    def _retry(self) -> None:
        """Ask for quotes that an error prevented, and look for files that were missing."""
        self._mattes.retry()
        self._quotes.update(self._requests)
        self._update_summary()

    def _services_changed(self, services: tuple[Service, ...]) -> None:
        """The chosen service may have changed or gone."""
        self._quotes.forget()
        chosen = self.state.value.service
        now = self._session.service(chosen.id) if chosen is not None else None
        if now is None:
            now = next((s for s in services if s.available), next(iter(services), None))
        self.state.update(services=services)
        self._switch_to(service=now)
        if now is not None and now != chosen:
            self.presets.show_service(now.id)

    def _form_changed(self) -> None:
        state, before = self.state.value, self._requests
        self.state.update(fields=form_fields(state.service, self._values()))
        self._requests = build_requests(self.state.value, self._values())
        if self._requests != before and state.question:
            self.duplicate_check.cancel()  # it was about other requests
        self._quotes.update(self._requests)
        self._mattes.update(self._requests)
        self._update_summary()

    def _update_summary(self) -> None:
        state, requests, quotes = self.state.value, self._requests, self._quotes
        jobs_ahead = self._session.store.count(JobState.QUEUED, JobState.RUNNING)
        is_connected = self._session.connection.value.is_connected
        summary: tuple[SummaryLine, ...] = ()
        if state.service is not None and requests:
            frames_to_render = sum(
                r.shot.work_range.count for r in requests if r.shot in self._item_ids_to_render
            )
            render = (frames_to_render, self._session.host.title) if frames_to_render else None
            known = (requests, quotes.quotes, jobs_ahead)
            summary = summary_lines(state.service, *known, connected=is_connected, render=render)
        missing = [] if self._session.user.strip() else [missing_user_name()[1]]
        form = (state.service, state.shots, state.fields, requests)
        missing += missing_steps(*form, quotes.quotes, quotes.refusal(requests))
        problem, next_step = self._mattes.problem
        if problem:
            missing.append(tr("Matte: {problem}", problem=problem))
        self.state.update(
            summary=summary,
            missing=tuple(missing),
            button_text=button_text(requests, len(state.shots), self._session.store),
            quoting=quotes.busy,
            matte_problem=problem,
            matte_next_step=next_step,
        )

    def _store_changed(self, change: StoreChange) -> None:
        if change.jobs or change.versions:
            self._update_summary()

    def _apply_preset(self, preset: Preset) -> None:
        service = self._session.service(preset.service)
        if service is None:
            service_id = repr(preset.service)
            problem = tr("the preset is for {id}, which the gateway does not have", id=service_id)
            self.state.show_problem(problem, tr("choose another preset"))
            return
        self._switch_to(service=service, output_format=preset.output_format)
        self._set_values(preset.parameters)
        self._write_input(note=preset.note)
        self._show_message(tr("preset {name} used", name=preset.name))
        self.presets.show_service(service.id)

    def _show_message(self, message: str) -> None:
        self.state.update(message=message, problem="", next_step="")
