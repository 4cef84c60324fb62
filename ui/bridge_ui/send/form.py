"""The form of a service: values, defaults and problems; the input that is not sent yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from pydantic import JsonValue

    from bridge_core.models.requests import MatteRegion, Reference, Region
    from bridge_core.models.services import Parameter, Service
    from bridge_core.models.shots import Shot, ShotId


@dataclass(frozen=True, slots=True)
class FormField:
    """A parameter in the form."""

    parameter: Parameter
    value: JsonValue
    problem: str = ""
    """What is wrong with the value; empty if valid."""


def form_fields(service: Service | None, given: Mapping[str, JsonValue]) -> tuple[FormField, ...]:
    """The form of a service; parameters without a given value have their defaults."""
    if service is None:
        return ()
    known = {p.name: given.get(p.name, p.default) for p in service.parameters}
    found_problems = field_problems(service, known)
    return tuple(
        FormField(p, known[p.name], found_problems.get(p.name, "")) for p in service.parameters
    )


def field_problems(service: Service, given: Mapping[str, JsonValue]) -> dict[str, str]:
    """Problems by parameter name."""
    from bridge_core.models.services import resolve_parameters

    try:
        resolve_parameters(service, given)
    except InvalidRequest as error:
        return {wrong["field"]: wrong["problem"] for wrong in error.details["fields"]}
    return {}


def valid_values(service: Service, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values that this service accepts."""
    known = {parameter.name for parameter in service.parameters}
    kept = {name: value for name, value in given.items() if name in known}
    wrong = field_problems(service, kept)
    return {name: value for name, value in kept.items() if name not in wrong}


def search_services(services: tuple[Service, ...], text: str) -> tuple[Service, ...]:
    """Services that contain every word: first those whose title starts with the text, then those
    with all words in the title, then the others; each group in the gateway's order."""
    words = text.lower().split()
    ranked = []
    for order, service in enumerate(services):
        title = service.title.lower()
        everything = " ".join(
            [title, service.summary.lower(), service.id, service.provider.lower()]
            + [parameter.title.lower() for parameter in service.parameters]
        )
        if not all(word in everything for word in words):
            continue
        rank = 0 if title.startswith(text.strip().lower()) else 1
        if rank and not all(word in title for word in words):
            rank = 2
        ranked.append((rank, order, service))
    return tuple(service for _, _, service in sorted(ranked, key=lambda item: item[:2]))


@dataclass(frozen=True, slots=True)
class UnsentInput:
    """Input for a request that is not sent yet."""

    note: str = ""
    references: tuple[Reference, ...] = ()
    regions: tuple[Region, ...] = ()
    """Those of the request that the form was filled from."""
    chosen_mattes: tuple[MatteRegion, ...] = ()
    """Chosen in the form; at most one."""
    seed: int | None = None
    """That of the request that the form was filled from; the form itself has none."""
    texts: Mapping[str, JsonValue] = field(default_factory=dict)
    """Values of text parameters, such as a prompt."""
    source_version_id: str | None = None
    """The version that the request revises."""

    def shown_fields(self) -> dict[str, Any]:
        """By name, all but the texts, which are values of the form."""
        names = (known_field.name for known_field in fields(self) if known_field.name != "texts")
        return {name: getattr(self, name) for name in names}


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
        self, service: Service, shots: Collection[Shot], values: Mapping[str, JsonValue]
    ) -> None:
        """Replace all given values."""
        text_names = {p.name for p in service.parameters if p.kind == "text"}
        self._settings[service.id] = {n: v for n, v in values.items() if n not in text_names}
        texts = {name: value for name, value in values.items() if name in text_names}
        self.put(service, shots, replace(self.get(service, shots), texts=texts))

    def set_mattes(
        self, service: Service | None, shots: Collection[Shot], mattes: tuple[MatteRegion, ...]
    ) -> None:
        """Replace all mattes, also those of the request that the form was filled from."""
        unsent = self.get(service, shots)
        shapes = tuple(region for region in unsent.regions if region.kind != "matte")
        self.put(service, shots, replace(unsent, regions=shapes, chosen_mattes=mattes))


def _key(service: Service | None, shots: Iterable[Shot]) -> tuple[str, frozenset[ShotId]]:
    return service.id if service is not None else "", frozenset(shot.id for shot in shots)
