"""The calls of docs/api.md over a real server: what they accept, return and refuse."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from in_process_gateway import InProcessGateway

from bridge_core.models.costs import MAX_QUOTED_REQUESTS
from bridge_gateway.api.app import create_routes_app

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def version(gateway: InProcessGateway) -> str:
    return gateway.make_version()


def check_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["message"]
    assert body["next_step"]
    return body


def test_the_document_lists_all_calls() -> None:
    table = (REPO / "docs" / "api.md").read_text(encoding="utf-8")
    written = set()
    for methods, path in re.findall(r"^\| `([A-Z`, ]+) (/v1/[^`]+)`", table, re.M):
        for method in re.findall("[A-Z]+", methods):
            written.add((method, path))
    document = create_routes_app().openapi()
    real = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    assert written == real


def test_the_handshake(gateway: InProcessGateway) -> None:
    about = gateway.call("GET", "/v1/about", token=None).json()
    assert about["product"] == "shotbridge-gateway"
    assert re.fullmatch(r"\d+\.\d+", about["api_version"])
    assert about["instance_id"]


def test_health_and_services(gateway: InProcessGateway) -> None:
    health = gateway.call("GET", "/v1/health").json()
    assert {check["name"] for check in health["checks"]} >= {"queue", "library", "service copy"}
    services = gateway.call("GET", "/v1/services").json()
    assert [service["id"] for service in services] == ["copy"]


def test_quotes_are_in_order_and_nothing_is_sent(gateway: InProcessGateway) -> None:
    before = gateway.call("GET", "/v1/jobs").json()
    good = gateway.submission(frames=3).request.model_dump(mode="json")
    unknown, wrong = {**good, "service": "nothing"}, {**good, "parameters": {"seconds": 61}}
    longer = gateway.submission(show="long", frames=5).request.model_dump(mode="json")
    answer = gateway.call("POST", "/v1/quotes", {"requests": [good, unknown, wrong, longer]})
    quotes = answer.json()
    assert answer.status == 200
    assert [(one["allowed"], one["frames"]) for one in quotes] == [
        (True, 3),
        (False, 3),
        (False, 3),
        (True, 5),
    ]
    assert quotes[0]["data_locality"] == "local" and quotes[0]["problem"] is None
    assert quotes[0]["cost"] == {"amount": "0", "currency": "USD"}
    assert quotes[1]["cost"] is None and "no provider offers" in quotes[1]["reason"]
    # The same problem that a submission of the request would get.
    given = gateway.submission(frames=3).model_dump(mode="json")
    refused = gateway.call("POST", "/v1/jobs", {**given, "request": wrong}).json()
    assert quotes[2]["problem"] == refused and quotes[2]["reason"] == refused["message"]
    assert gateway.call("GET", "/v1/jobs").json() == before


@pytest.mark.parametrize("count", [0, MAX_QUOTED_REQUESTS + 1])
def test_a_call_takes_a_limited_number_of_requests_to_quote(
    gateway: InProcessGateway, count: int
) -> None:
    request = gateway.submission().request.model_dump(mode="json")
    answer = gateway.call("POST", "/v1/quotes", {"requests": [request] * count})
    assert check_problem(answer, 422, "invalid_request")["details"]["fields"][0]["field"].endswith(
        "requests"
    )


def test_readable_files(gateway: InProcessGateway, tmp_path: Path) -> None:
    files = [file.model_dump() for file in gateway.submission(frames=3).plate_files]
    files[1]["mtime_ns"] += 1
    outside = tmp_path / "plate.1001.exr"
    outside.write_bytes(b"x")
    stat = outside.stat()
    files.append({"path": str(outside), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns})
    body = gateway.call("POST", "/v1/media/readable", {"files": files}).json()
    assert body == {"readable": [0, 2]}


def test_a_job_from_its_request_to_its_version(gateway: InProcessGateway) -> None:
    submission = gateway.submission(frames=3)
    answer = gateway.send(submission, "one-key-for-all")
    assert answer.status == 201
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"

    again = gateway.send(submission, "one-key-for-all")
    assert (again.status, again.json()["id"]) == (200, job["id"])
    other = gateway.submission(frames=2)
    check_problem(gateway.send(other, "one-key-for-all"), 409, "key_reused")

    ended = gateway.wait_for_job(job["id"])
    assert ended["state"] == "succeeded", ended["problem"]
    frames = gateway.call("GET", f"/v1/jobs/{job['id']}/frames").json()
    assert [frame["frame"] for frame in frames] == [1001, 1002, 1003]
    for frame in frames:
        jpeg = gateway.call("GET", frame["proxy_path"])
        assert jpeg.headers["content-type"] == "image/jpeg"
        assert jpeg.body[:2] == b"\xff\xd8"

    same = gateway.call("POST", f"/v1/jobs/{job['id']}/cancel").json()
    assert same["state"] == "succeeded"


def test_pages_of_jobs(gateway: InProcessGateway) -> None:
    sent = [gateway.send(gateway.submission(show="pages")).json()["id"] for _ in range(5)]
    listed: list[str] = []
    before = ""
    while page := gateway.call("GET", f"/v1/jobs?show=pages&limit=2{before}").json():
        listed += [job["id"] for job in page]
        before = f"&before={listed[-1]}"
    assert listed == sent[::-1]
    for job in sent:
        gateway.wait_for_job(job)
    done = gateway.call("GET", "/v1/jobs?show=pages&state=succeeded").json()
    assert len(done) == 5


def test_results(gateway: InProcessGateway, version: str) -> None:
    files = gateway.call("GET", f"/v1/results/{version}/files").json()
    assert len(files) >= 3
    for file in files:
        answer = gateway.call("GET", f"/v1/results/{version}/files/{file['path']}")
        assert answer.status == 200
        assert len(answer.body) == file["size"]
        assert hashlib.sha256(answer.body).hexdigest() == file["sha256"]
    lineage = gateway.call("GET", f"/v1/results/{version}/lineage").json()
    assert lineage["result_id"] == version
    for path in ("thumbnail", "proxies/1002"):
        assert gateway.call("GET", f"/v1/results/{version}/{path}").body[:2] == b"\xff\xd8"
    check_problem(gateway.call("GET", f"/v1/results/{version}/proxies/5000"), 404, "not_found")
    check_problem(gateway.call("GET", f"/v1/test-frames/{version}"), 404, "not_found")


@pytest.mark.parametrize(
    ("range_header", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, None),
        ("bytes=-10", 206, -10, None),
        ("bytes=5-999999999", 206, 5, None),
        ("bytes=9-5", 200, 0, None),
        ("bytes=", 200, 0, None),
        ("bytes=-", 200, 0, None),
        ("bytes=0-1,4-5", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("nonsense", 200, 0, None),
    ],
)
def test_ranges(
    gateway: InProcessGateway,
    version: str,
    range_header: str,
    status: int,
    start: int,
    end: int | None,
) -> None:
    path = f"/v1/results/{version}/thumbnail"
    whole = gateway.call("GET", path).body
    answer = gateway.call("GET", path, headers={"Range": range_header})
    assert (answer.status, answer.body) == (status, whole[start:end])


@pytest.mark.parametrize("range_header", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end(gateway: InProcessGateway, version: str, range_header: str) -> None:
    answer = gateway.call(
        "GET", f"/v1/results/{version}/thumbnail", headers={"Range": range_header}
    )
    check_problem(answer, 416, "invalid_request")
    assert answer.headers["content-range"].startswith("bytes */")


def test_a_versions_content_hash_is_that_of_its_files(
    gateway: InProcessGateway, version: str
) -> None:
    record = gateway.call("GET", f"/v1/versions/{version}").json()
    files = sorted(
        (
            file.relative_to(record["folder"]).as_posix(),
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        for file in Path(record["folder"]).rglob("*")
        if file.is_file() and file.name != "lineage.json"
    )
    assert any(path.startswith("proxies/") for path, _ in files), "what people see is among them"
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in files)
    assert record["content_hash"] == hashlib.sha256(lines.encode()).hexdigest()


def test_review(gateway: InProcessGateway, version: str) -> None:
    path = f"/v1/versions/{version}"
    assert gateway.call("GET", path).json()["status"] == "pending review"
    note = {"text": "Brighter — наверх", "frames": None}
    grace = {"Shotbridge-User": "Grace"}
    answer = gateway.call("POST", f"{path}/notes", note, headers=grace)
    assert answer.status == 201 and answer.json()["by"] == "Grace"
    key = {"Idempotency-Key": "the-note-1", **grace}
    added = gateway.call("POST", f"{path}/notes", note, headers=key)
    repeated = gateway.call("POST", f"{path}/notes", note, headers=key)
    assert (added.status, repeated.status) == (201, 200) and repeated.json() == added.json()
    check_problem(
        gateway.call("POST", f"{path}/notes", {**note, "text": "x"}, headers=key), 409, "key_reused"
    )
    check_problem(
        gateway.call("POST", f"{path}/notes", note, headers={"Idempotency-Key": "short"}),
        422,
        "invalid_request",
    )
    assert gateway.call("GET", f"{path}/notes").json() == [answer.json(), added.json()]
    content_hash = gateway.call("GET", path).json()["content_hash"]
    approval = {"status": "approved", "content_hash": content_hash}
    for other in ({**approval, "content_hash": "0" * 64}, {**approval, "content_hash": None}):
        refused = check_problem(
            gateway.call("POST", f"{path}/decisions", other), 409, "content_mismatch"
        )
        assert refused["details"] == {"content_hash": content_hash}
    decided, repeated = (
        gateway.call("POST", f"{path}/decisions", approval, headers=key) for _ in range(2)
    )
    assert decided.json()["status"] == "approved" and repeated.json() == decided.json()
    other = {**approval, "status": "rejected"}
    check_problem(gateway.call("POST", f"{path}/decisions", other, headers=key), 409, "key_reused")
    (decision,) = gateway.call("GET", path).json()["decisions"]
    assert (decision["by"], decision["content_hash"]) == ("Grace", content_hash)
    listed = gateway.call("GET", "/v1/versions?show=bunny&sequence=sq010&shot=sh010&service=copy")
    assert version in [one["id"] for one in listed.json()]
    assert gateway.call("GET", "/v1/versions?show=nobody").json() == []


NOBODY = "0" * 32
UNKNOWN = [
    ("GET", f"/v1/jobs/{NOBODY}"),
    ("POST", f"/v1/jobs/{NOBODY}/cancel"),
    ("GET", f"/v1/jobs/{NOBODY}/frames"),
    ("GET", f"/v1/jobs/{NOBODY}/proxies/1001"),
    ("GET", f"/v1/jobs?before={NOBODY}"),
    ("GET", f"/v1/versions/{NOBODY}"),
    ("GET", f"/v1/versions/{NOBODY}/notes"),
    ("GET", f"/v1/test-frames/{NOBODY}"),
    ("GET", f"/v1/results/{NOBODY}/lineage"),
    ("GET", f"/v1/results/{NOBODY}/files"),
    ("GET", f"/v1/results/{NOBODY}/files/a.exr"),
    ("GET", f"/v1/results/{NOBODY}/proxies/1001"),
    ("GET", f"/v1/results/{NOBODY}/thumbnail"),
    ("GET", f"/v1/events?job={NOBODY}"),
    ("GET", "/v1/nothing"),
    ("GET", "/"),
    ("GET", "/docs"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_unknown_ids_and_paths(gateway: InProcessGateway, method: str, path: str) -> None:
    check_problem(gateway.call(method, path), 404, "not_found")


def test_a_wrong_method(gateway: InProcessGateway) -> None:
    answer = gateway.call("DELETE", "/v1/jobs")
    check_problem(answer, 405, "invalid_request")
    assert answer.headers["allow"] == "GET, POST"


def test_a_misspelt_parameter_is_refused(gateway: InProcessGateway) -> None:
    body = check_problem(gateway.call("GET", "/v1/versions?shoot=sh010"), 422, "invalid_request")
    assert "shot" in body["next_step"]


def test_an_unexpected_error_sends_only_a_reference(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret in a traceback")

    monkeypatch.setattr(gateway.runtime.jobs, "list_services", broken)
    body = check_problem(gateway.call("GET", "/v1/services"), 500, "gateway_fault")
    assert "secret" not in str(body)
    reference = body["where"].removeprefix("log reference ")
    logged = [record for record in caplog.records if reference in record.getMessage()]
    assert logged
    assert "secret in a traceback" in str(logged[0].exc_info)
