"""What a director can ask for, and the parameters that its form is built from."""

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
    """How far the pictures travel to be worked on."""

    LOCAL = "local"
    STUDIO = "studio"
    EXTERNAL = "external"


class Service(ResponseModel):
    """Something that a director can ask for."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    summary: str
    provider: str
    """Who runs it."""
    data_locality: DataLocality
    parameters: tuple[Parameter, ...] = ()
    model_ids: tuple[str, ...] = ()
    """Ids of the models that it can use, as the gateway's catalogue names them."""
    accepts_references: bool = False
    """Pictures that guide a request are read; a request with them is refused otherwise."""
    accepts_regions: bool = False
    """Regions of a request are kept to; a request with them is refused otherwise."""
    available: bool = True
    unavailable_reason: str = ""
    """In words, with what to do about it; empty while available."""


def resolve_parameters(
    service: Service, values: Mapping[str, JsonValue]
) -> dict[str, float | int | str | bool]:
    """All parameters of a service with a value each: what was given, defaults for the rest.

    :raises InvalidRequest: a parameter that the service does not have, or a value out of its
        range; ``details["fields"]`` lists them all.
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
            f"{service.title} cannot take these parameters: {summary}",
            where=f"service {service.id}",
            next_step=f"it takes: {', '.join(known) or 'none'}",
            details={"fields": problems},
        )
    return resolved


def _value_problem(parameter: Parameter, value: Any) -> str:
    match parameter:
        case NumberParameter():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return "is a number"
            if not parameter.minimum <= value <= parameter.maximum:
                return f"lies from {parameter.minimum:g} to {parameter.maximum:g}"
        case IntegerParameter():
            if isinstance(value, bool) or not isinstance(value, int):
                return "is a whole number"
            if not parameter.minimum <= value <= parameter.maximum:
                return f"lies from {parameter.minimum} to {parameter.maximum}"
        case ChoiceParameter():
            allowed = [choice.value for choice in parameter.choices]
            if value not in allowed:
                return f"is one of {', '.join(allowed)}"
        case ToggleParameter():
            if not isinstance(value, bool):
                return "is true or false"
        case TextParameter():
            if not isinstance(value, str):
                return "is text"
            if len(value) > parameter.max_length:
                return f"has at most {parameter.max_length} characters"
    return ""
