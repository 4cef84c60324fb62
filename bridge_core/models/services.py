"""Services that a director can request, with the parameters that their forms are built from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from bridge_core.errors import InvalidRequest
from bridge_core.models.base import ResponseModel, StrictModel


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


class DataLocality(StrEnum):
    """How far the pictures travel to be processed."""

    LOCAL = "local"
    STUDIO = "studio"
    EXTERNAL = "external"


class Service(ResponseModel):
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
    accepts_references: bool = False
    """The service uses references; otherwise a request with references is refused."""
    accepts_regions: bool = False
    """The service respects regions; otherwise a request with regions is refused."""
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
