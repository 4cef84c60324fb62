"""Services that a director can request, with the parameters that their forms are built from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from bridge_core.errors import InvalidRequest
from bridge_core.models.base import StrictModel, TolerantModel
from bridge_core.models.enumerations import DataLocality as DataLocality
from bridge_core.models.enumerations import RegionKind as RegionKind
from bridge_core.models.frames import Rate


class ParameterBase(StrictModel):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    help: str = ""


class NumberParameter(ParameterBase):
    """A number with a slider; ``minimum`` and ``maximum`` are both allowed values."""

    kind: Literal["number"] = "number"
    default: float
    minimum: float
    maximum: float
    step: float | None = None
    unit: str = ""


class IntegerParameter(ParameterBase):
    kind: Literal["integer"] = "integer"
    default: int
    minimum: int
    maximum: int
    unit: str = ""


class ParameterChoice(StrictModel):
    value: str
    title: str
    help: str = ""


class ChoiceParameter(ParameterBase):
    kind: Literal["choice"] = "choice"
    default: str
    choices: tuple[ParameterChoice, ...]


class ToggleParameter(ParameterBase):
    kind: Literal["toggle"] = "toggle"
    default: bool


class TextParameter(ParameterBase):
    kind: Literal["text"] = "text"
    default: str = ""
    max_length: int = 2000


Parameter = Annotated[
    NumberParameter | IntegerParameter | ChoiceParameter | ToggleParameter | TextParameter,
    Field(discriminator="kind"),
]


class OutputKind(StrEnum):
    """What a service makes."""

    PICTURES = "pictures"
    """The shot as an image sequence, in an output ``main``."""
    MOVIE = "movie"
    """The shot as a movie, in an output ``main``."""
    MATTE = "matte"
    """A matte in an output of its own."""
    TEXT = "text"
    FINDINGS = "findings"
    """What an analysis saw, frame by frame."""


class AcceptedInputs(TolerantModel):
    """What a service uses besides the plate and its parameters. A request with anything else is
    refused, because its result would not be what was requested."""

    references: int = Field(default=0, ge=0)
    """The most references of a request."""
    reference_roles: tuple[str, ...] = ()
    """The roles that references may have; empty: any."""
    regions: tuple[RegionKind, ...] = ()
    seed: bool = False
    """A request may name the seed; without one the gateway chooses and records it."""
    source_version: bool = False
    """The service works on the pictures of the version that a request revises. Other services
    make a revision from the plate alone."""


class ServiceLimits(TolerantModel):
    """The largest and smallest work that a service takes; None and empty mean no limit."""

    max_frames: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    """Of the plate's time, at its rate."""
    max_width: int | None = Field(default=None, ge=1)
    """Widths and heights are in pixels of the plate."""
    max_height: int | None = Field(default=None, ge=1)
    min_width: int | None = Field(default=None, ge=1)
    min_height: int | None = Field(default=None, ge=1)
    size_multiple: int = Field(default=1, ge=1)
    """Width and height have to be multiples of it."""
    rates: tuple[Rate, ...] = ()
    """Frames per second."""
    formats: tuple[str, ...] = ()
    """Extensions of the plate's files, in lower case without a dot: ``exr``, ``mov``."""


class ServiceCapabilities(TolerantModel):
    """What a service can do while it works."""

    cancel: bool = False
    """Cancelling stops the work where it runs. Otherwise only the waiting for it ends."""
    progress: bool = False
    deterministic: bool = False
    """The same request has the same result; with the same seed, where it accepts one."""
    idempotency: bool = False
    """Work that is submitted twice with one key is done and charged once."""
    idempotency_hours: float | None = Field(default=None, gt=0)
    """How long a key is remembered; None: as long as the work itself."""
    mask: bool = False
    """Pixels outside the regions come back unchanged."""


class PricingUnit(StrEnum):
    JOB = "job"
    FRAME = "frame"
    SECOND = "second"
    """Of the plate's time, at its rate."""
    MEGAPIXEL_FRAME = "megapixel_frame"
    """A million pixels of one frame of the plate."""


class Pricing(TolerantModel):
    """What a service costs; nothing by default."""

    unit: PricingUnit = PricingUnit.JOB
    amount: Decimal = Field(default=Decimal(0), ge=0)
    """For each unit."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")


class Service(TolerantModel):
    """An operation that a director can request for a shot."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    summary: str
    provider: str
    """Id of the provider that runs it."""
    data_locality: DataLocality
    parameters: tuple[Parameter, ...] = ()
    model_ids: tuple[str, ...] = ()
    """Ids of the models that it can use, as in the gateway's catalogue."""
    accepts: AcceptedInputs = AcceptedInputs()
    produces: tuple[OutputKind, ...] = (OutputKind.PICTURES,)
    limits: ServiceLimits = ServiceLimits()
    capabilities: ServiceCapabilities = ServiceCapabilities()
    pricing: Pricing = Pricing()
    available: bool = True
    unavailable_reason: str = ""
    """Why it is not available and what to do about it; empty if it is."""


def resolve_parameters(
    service: Service, values: Mapping[str, JsonValue]
) -> dict[str, float | int | str | bool]:
    """A value for each parameter of a service: from ``values``, or its default.

    :raises InvalidRequest: the service does not have a parameter, or a value is out of range;
        ``details["fields"]`` lists all problems.
    """
    known = {parameter.name: parameter for parameter in service.parameters}
    problems = [
        {"field": name, "problem": f"{service.title} has no such parameter", "value": repr(value)}
        for name, value in values.items()
        if name not in known
    ]
    resolved: dict[str, float | int | str | bool] = {}
    for name, parameter in known.items():
        value = values.get(name, parameter.default)
        problem = _value_problem(parameter, value)
        if problem:
            problems.append({"field": name, "problem": problem, "value": repr(value)[:60]})
        else:
            resolved[name] = float(value) if parameter.kind == "number" else value  # type: ignore[arg-type,assignment]
    if problems:
        summary = "; ".join(f"{item['field']}: {item['problem']}" for item in problems[:5])
        raise InvalidRequest(
            f"{service.title} does not accept these parameters: {summary}",
            where=f"service {service.id}",
            next_step=f"its parameters are: {', '.join(known) or 'none'}",
            details={"fields": problems},
        )
    return resolved


def _value_problem(parameter: Parameter, value: Any) -> str:
    match parameter:
        case NumberParameter():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return "must be a number"
            if not parameter.minimum <= value <= parameter.maximum:
                return f"must be from {parameter.minimum:g} to {parameter.maximum:g}"
        case IntegerParameter():
            if isinstance(value, bool) or not isinstance(value, int):
                return "must be a whole number"
            if not parameter.minimum <= value <= parameter.maximum:
                return f"must be from {parameter.minimum} to {parameter.maximum}"
        case ChoiceParameter():
            allowed = [choice.value for choice in parameter.choices]
            if value not in allowed:
                return f"must be one of {', '.join(allowed)}"
        case ToggleParameter():
            if not isinstance(value, bool):
                return "must be true or false"
        case TextParameter():
            if not isinstance(value, str):
                return "must be text"
            if len(value) > parameter.max_length:
                return f"must have at most {parameter.max_length} characters"
    return ""
