"""Input for requests that are not sent yet, kept by shots and service."""

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
    """Values of text parameters, such as a prompt."""
    source_version_id: str | None = None
    """The version that the request revises."""


class UnsentInputs:
    """One input per selection of shots and service. Parameters other than text are kept by service
    only: they apply to all shots."""

    def __init__(self) -> None:
        self._inputs: dict[tuple[str, frozenset[ShotId]], UnsentInput] = {}
        self._settings: dict[str, dict[str, JsonValue]] = {}

    def get(self, service: Service | None, shots: Iterable[Shot]) -> UnsentInput:
        return self._inputs.get(_key(service, shots), UnsentInput())

    def put(self, service: Service | None, shots: Iterable[Shot], unsent: UnsentInput) -> None:
        self._inputs[_key(service, shots)] = unsent

    def values(self, service: Service | None, shots: Iterable[Shot]) -> dict[str, JsonValue]:
        """All given values by parameter name."""
        settings = self._settings.get(service.id, {}) if service is not None else {}
        return {**settings, **self.get(service, shots).texts}

    def set_values(
        self, service: Service, shots: Iterable[Shot], values: Mapping[str, JsonValue]
    ) -> UnsentInput:
        """Replace all given values; returns the input with the text values."""
        text_names = {one.name for one in service.parameters if isinstance(one, TextParameter)}
        self._settings[service.id] = {n: v for n, v in values.items() if n not in text_names}
        listed = tuple(shots)
        previous = self.get(service, listed)
        texts = {name: value for name, value in values.items() if name in text_names}
        unsent = UnsentInput(previous.note, previous.references, texts, previous.source_version_id)
        self.put(service, listed, unsent)
        return unsent


def _key(service: Service | None, shots: Iterable[Shot]) -> tuple[str, frozenset[ShotId]]:
    return service.id if service is not None else "", frozenset(shot.id for shot in shots)
