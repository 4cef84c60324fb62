"""Asking for something: a service, its parameters, what that means, and sending it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.words import Tone

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.requests import Delivery, Request
    from bridge_core.models.services import Parameter, Service
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter in the form."""

    parameter: Parameter
    value: JsonValue
    problem: str = ""
    """What is wrong with the value: ``lies from 0 to 1``; empty: nothing."""

    @property
    def is_default(self) -> bool:
        return self.value == self.parameter.default


@dataclass(frozen=True, slots=True)
class Line:
    """A line of "Before you send"."""

    title: str
    """``Goes out``, ``To``, ``Takes``, ``Costs``, ``Allowed``"""
    words: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Sending:
    """Pictures on their way to the gateway."""

    shots: int = 0
    """Requests that are being sent now."""
    done: int = 0
    """Bytes."""
    total: int = 0


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
    delivery: Delivery | None = None
    shots: tuple[Shot, ...] = ()
    before: tuple[Line, ...] = ()
    """"Before you send"; empty while nothing is chosen."""
    estimating: bool = False
    missing: tuple[str, ...] = ()
    """What has to be done before it can be sent, in words; empty: it can."""
    button: str = ""
    """``Make v004``, ``Make 3 versions``"""
    presets: tuple[str, ...] = ()
    """Names of the presets of the chosen service."""
    sending: Sending = Sending()
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

    def find(self, text: str) -> tuple[Service, ...]:
        """Services in which every word is found, best first; all of them for no text."""
        raise NotImplementedError

    def choose(self, service: str) -> None:
        """Values that the service has as well are kept from one service to the next."""
        raise NotImplementedError

    def set_value(self, name: str, value: JsonValue) -> None:
        raise NotImplementedError

    def reset(self, name: str | None = None) -> None:
        """A parameter, or all of them, as the service has it."""
        raise NotImplementedError

    def set_note(self, text: str) -> None:
        raise NotImplementedError

    def set_delivery(self, delivery: Delivery) -> None:
        raise NotImplementedError

    def add_references(self, paths: Iterable[str]) -> None:
        raise NotImplementedError

    def remove_reference(self, path: str) -> None:
        raise NotImplementedError

    def set_shots(self, shots: Iterable[Shot]) -> None:
        raise NotImplementedError

    def send(self) -> None:
        """One request for each shot, first into the outbox. Returns at once."""
        raise NotImplementedError

    def try_frame(self, frame: int) -> None:
        """This frame (in the plate's numbering) of the shot that has it, to be looked at."""
        raise NotImplementedError

    def stop_sending(self) -> None:
        """Take back what is not at the gateway yet."""
        raise NotImplementedError

    def prefill(self, request: Request) -> None:
        """Set the form to what was asked before; its shot becomes the one to send."""
        raise NotImplementedError

    def save_preset(self, name: str) -> None:
        raise NotImplementedError

    def load_preset(self, name: str) -> None:
        raise NotImplementedError

    def remove_preset(self, name: str) -> None:
        raise NotImplementedError

    def share_preset(self, name: str, target: Path) -> None:
        """Write a preset to a file that others can take in."""
        raise NotImplementedError

    def take_preset(self, source: Path) -> None:
        """Take in a preset that somebody shared, and use it."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
