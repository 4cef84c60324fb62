"""Parameters of a service: defaults, limits and error messages."""

from __future__ import annotations

from typing import Any

import pytest

from bridge_core.errors import InvalidRequest
from bridge_core.models.services import (
    ChoiceParameter,
    DataLocality,
    IntegerParameter,
    NumberParameter,
    ParameterChoice,
    Service,
    TextParameter,
    ToggleParameter,
    resolve_parameters,
)

SERVICE = Service(
    id="grade",
    title="Grade",
    summary="for tests",
    provider="tests",
    data_locality=DataLocality.LOCAL,
    parameters=(
        NumberParameter(name="gain", title="Gain", default=1, minimum=0, maximum=4),
        IntegerParameter(name="seed", title="Seed", default=7, minimum=0, maximum=9),
        ChoiceParameter(
            name="look",
            title="Look",
            default="day",
            choices=(
                ParameterChoice(value="day", title="Day"),
                ParameterChoice(value="night", title="Night"),
            ),
        ),
        ToggleParameter(name="clamp", title="Clamp", default=False),
        TextParameter(name="words", title="Words", max_length=5),
    ),
)


def test_defaults_are_filled_in() -> None:
    assert resolve_parameters(SERVICE, {"gain": 2}) == {
        "gain": 2.0,
        "seed": 7,
        "look": "day",
        "clamp": False,
        "words": "",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gain", -0.1),
        ("gain", 4.1),
        ("gain", True),
        ("gain", "1"),
        ("gain", float("nan")),
        ("seed", 1.5),
        ("seed", 10),
        ("look", "dusk"),
        ("look", None),
        ("clamp", 1),
        ("words", "too long"),
        ("colour", "red"),
    ],
)
def test_values_out_of_range_are_reported(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=name) as caught:
        resolve_parameters(SERVICE, {name: value})
    assert [item["field"] for item in caught.value.details["fields"]] == [name]
    assert "gain, seed, look, clamp, words" in caught.value.next_step


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_parameters(SERVICE, {"gain": 9, "seed": -1, "nothing": 0})
    assert {item["field"] for item in caught.value.details["fields"]} == {"gain", "seed", "nothing"}
