"""Schemathesis over the real server: no 5xx, and responses conform to the OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from in_process_gateway import TOKEN, InProcessGateway
from schemathesis.checks import CHECKS, load_all_checks

from bridge_gateway.api.app import create_routes_app

STATES = "/v1/content/states"

# The stream of events never ends; test_api_events.py reads it.
schema = schemathesis.openapi.from_dict(create_routes_app().openapi()).exclude(path="/v1/events")
load_all_checks()

#: Rules that a JSON schema cannot express, so that valid documents are refused: a shot lies within
#: its plate, names can be folders, a note is not empty.
NOT_IN_SCHEMA = {"positive_data_acceptance"}
#: Numbers are read from strings and booleans, as pydantic does.
LENIENT = {"negative_data_rejection"}
#: ``states`` matches the path of an uploaded file, so its other methods match that route.
AMBIGUOUS = {"unsupported_method", "allow_header_conformance"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]


def check(gateway: InProcessGateway, case: schemathesis.Case, excluded: set[str]) -> None:
    chosen: list[Any] = [one for one in CHECKS.get_all() if one.__name__ not in excluded]
    case.call_and_validate(
        base_url=gateway.url, headers={"Authorization": f"Bearer {TOKEN}"}, checks=chosen
    )


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_call(gateway: InProcessGateway, case: schemathesis.Case) -> None:
    excluded = NOT_IN_SCHEMA | LENIENT | (AMBIGUOUS if case.path == STATES else set())
    check(gateway, case, excluded)


@pytest.fixture(scope="module")
def job(gateway: InProcessGateway) -> dict[str, Any]:
    return gateway.wait_for_job(gateway.send(gateway.submission()).json()["id"])


@schema.include(path_regex=r"\{id\}").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_call_with_an_existing_id(
    gateway: InProcessGateway, job: dict[str, Any], case: schemathesis.Case
) -> None:
    """Random ids are never found; a real id reaches more code."""
    case.path_parameters["id"] = job["id"] if "/jobs/" in case.path else job["version_id"]
    if isinstance(case.path_parameters.get("frame"), int):
        case.path_parameters["frame"] = 1001 + case.path_parameters["frame"] % 3
    check(gateway, case, NOT_IN_SCHEMA | LENIENT | AMBIGUOUS)
