"""What is written for a request and not sent yet: it belongs to the shots and the service that it
was written for, and waits there while others are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge_core.models.services import TextParameter

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot, ShotId


@dataclass(frozen=True, slots=True)
class UnsentInput:
    note: str = ""
    references: tuple[str, ...] = ()
    """Paths of pictures."""
    texts: Mapping[str, JsonValue] = field(default_factory=dict)
    """Values of parameters that are written, such as a prompt."""
    made_from: str | None = None
    """Id of the version that this answers."""


class UnsentInputs:
    """One for each selection of shots and each service. Other parameters (numbers, choices) are how
    a service is set: they hold for every shot that is sent to it."""

    def __init__(self) -> None:
        self._unsent: dict[tuple[str, frozenset[ShotId]], UnsentInput] = {}
        self._settings: dict[str, dict[str, JsonValue]] = {}

    def of(self, service: Service | None, shots: Iterable[Shot]) -> UnsentInput:
        return self._unsent.get(_key(service, shots), UnsentInput())

    def keep(self, service: Service | None, shots: Iterable[Shot], draft: UnsentInput) -> None:
        self._unsent[_key(service, shots)] = draft

    def values(self, service: Service | None, shots: Iterable[Shot]) -> dict[str, JsonValue]:
        """All values that somebody gave, by the parameter's name."""
        settings = self._settings.get(service.id, {}) if service is not None else {}
        return {**settings, **self.of(service, shots).texts}

    def set_values(
        self, service: Service, shots: Iterable[Shot], values: Mapping[str, JsonValue]
    ) -> UnsentInput:
        """In place of all that were given; the draft with those that are written."""
        written = {one.name for one in service.parameters if isinstance(one, TextParameter)}
        self._settings[service.id] = {n: v for n, v in values.items() if n not in written}
        listed = tuple(shots)
        old = self.of(service, listed)
        texts = {name: value for name, value in values.items() if name in written}
        draft = UnsentInput(old.note, old.references, texts, old.made_from)
        self.keep(service, listed, draft)
        return draft


def _key(service: Service | None, shots: Iterable[Shot]) -> tuple[str, frozenset[ShotId]]:
    return service.id if service is not None else "", frozenset(shot.id for shot in shots)
