"""Schemathesis over the real server: no 5xx, and what is answered is what is described."""

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

#: What a JSON schema cannot say, so that valid documents are refused: that a shot lies within its
#: plate, that names make folders, that a note says something.
UNSAID = {"positive_data_acceptance"}
#: Numbers are read out of text and truth values, as pydantic does; the models are no stricter.
LENIENT = {"negative_data_rejection"}
#: ``states`` has the form of a content's address, so its other methods find the call for those.
AMBIGUOUS = {"unsupported_method", "allow_header_conformance"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]


def checked(gateway: InProcessGateway, case: schemathesis.Case, left_out: set[str]) -> None:
    chosen: list[Any] = [check for check in CHECKS.get_all() if check.__name__ not in left_out]
    case.call_and_validate(
        base_url=gateway.url, headers={"Authorization": f"Bearer {TOKEN}"}, checks=chosen
    )


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_call(gateway: InProcessGateway, case: schemathesis.Case) -> None:
    left_out = UNSAID | LENIENT | (AMBIGUOUS if case.path == STATES else set())
    checked(gateway, case, left_out)


@pytest.fixture(scope="module")
def job(gateway: InProcessGateway) -> dict[str, Any]:
    return gateway.wait_for_job(gateway.send(gateway.submission()).json()["id"])


@schema.include(path_regex=r"\{id\}").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_call_about_something_that_is_there(
    gateway: InProcessGateway, job: dict[str, Any], case: schemathesis.Case
) -> None:
    """Invented ids are never found; behind a real one there is more to break."""
    case.path_parameters["id"] = job["id"] if "/jobs/" in case.path else job["version_id"]
    if isinstance(case.path_parameters.get("frame"), int):
        case.path_parameters["frame"] = 1001 + case.path_parameters["frame"] % 3
    checked(gateway, case, UNSAID | LENIENT | AMBIGUOUS)
