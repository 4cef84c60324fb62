"""Who makes a call: the header, and what is recorded under it."""

from __future__ import annotations

import getpass
from typing import Any
from urllib.parse import quote

import pytest
from in_process_gateway import TOKEN, InProcessGateway

USER = "Shotbridge-User"


def send(gateway: InProcessGateway, key: str, user: str | None, **request: Any) -> Any:
    given = gateway.submission(show="people").model_dump(mode="json")
    given["request"] |= request
    headers = {"Idempotency-Key": key} | ({USER: user} if user is not None else {})
    return gateway.call("POST", "/v1/jobs", given, headers=headers)


@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "Größe", "映画 太郎", "100 % Ada", "a" * 200, "🎬" * 200]
)
def test_a_call_is_made_by_the_person_in_the_header(gateway: InProcessGateway, name: str) -> None:
    job = send(gateway, f"by-{abs(hash(name))}", quote(name, safe="")).json()
    assert job["requested_by"] == name
    version_id = gateway.wait_for_job(job["id"])["version_id"]
    version = gateway.call("GET", f"/v1/versions/{version_id}").json()
    lineage = gateway.call("GET", f"/v1/results/{version_id}/lineage").json()
    assert version["requested_by"] == lineage["requested_by"] == name
    assert "requested_by" not in lineage["request"]


def test_without_the_header_it_is_the_user_that_runs_the_gateway(gateway: InProcessGateway) -> None:
    assert send(gateway, "by-nobody-1", None).json()["requested_by"] == getpass.getuser()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "at least 1 character"),
        ("%20%09", "must not be blank"),
        ("%E2%80%83", "must not be blank"),
        ("Ada%0AEve", "control characters"),
        ("Ada%00", "control characters"),
        ("a%E2%80%AEb", "control characters"),
        ("%E2%80%8B", "invisible characters"),
        ("a" * 201, "at most 200 characters"),
        ("%FF%FE", "not percent-encoded UTF-8"),
        ("%ED%A0%80", "not percent-encoded UTF-8"),
        ("Gr\u00f6\u00dfe", "not percent-encoded UTF-8"),
    ],
)
def test_a_header_that_names_nobody_is_refused(
    gateway: InProcessGateway, value: str, reason: str
) -> None:
    for answer in (
        gateway.call("GET", "/v1/jobs", headers={USER: value}),
        send(gateway, "by-somebody", value),
    ):
        problem = answer.json()
        assert (answer.status, problem["code"]) == (400, "invalid_request"), problem
        assert reason in problem["message"] and USER in problem["where"] and problem["next_step"]
    # The handshake has no principal.
    assert gateway.call("GET", "/v1/about", headers={USER: value}).status == 200


def test_several_names_are_refused(gateway: InProcessGateway) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.putrequest("GET", "/v1/jobs")
    for name, value in (("Authorization", f"Bearer {TOKEN}"), (USER, "Ada"), (USER, "Eve")):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and b"several" in answer.read()
    connection.close()


def test_a_wrong_token_is_reported_before_a_wrong_name(gateway: InProcessGateway) -> None:
    answer = gateway.call("GET", "/v1/jobs", headers={USER: ""}, token="x" * 30)
    assert answer.status == 401


def test_no_body_can_name_somebody_else(gateway: InProcessGateway) -> None:
    refused = send(gateway, "by-a-body-1", "Ada", requested_by="Eve")
    assert refused.status == 422
    assert refused.json()["details"]["fields"][0]["field"].endswith("requested_by")
    given = gateway.submission().model_dump(mode="json")
    assert gateway.call("POST", "/v1/jobs", {**given, "requested_by": "Eve"}).status == 422
    path = f"/v1/versions/{gateway.make_version(show='people')}"
    content_hash = gateway.call("GET", path).json()["content_hash"]
    approval = {"status": "approved", "content_hash": content_hash}
    for route, body in (
        (f"{path}/decisions", approval),
        (f"{path}/notes", {"text": "softer"}),
        (f"/v1/jobs/{'0' * 32}/resolve", {"outcome": "not_made", "text": "no invoice"}),
    ):
        assert gateway.call("POST", route, {**body, "by": "Eve"}).status == 422
    decided = gateway.call("POST", f"{path}/decisions", approval, headers={USER: "Ada"})
    assert [one["by"] for one in decided.json()["decisions"]] == ["Ada"]


def test_a_key_belongs_to_the_person_that_used_it_first(gateway: InProcessGateway) -> None:
    first = send(gateway, "by-two-people", "Ada")
    assert (first.status, send(gateway, "by-two-people", "Ada").status) == (201, 200)
    other = send(gateway, "by-two-people", "Eve")
    assert (other.status, other.json()["code"]) == (409, "key_reused")
    assert "by somebody else" in other.json()["message"]
