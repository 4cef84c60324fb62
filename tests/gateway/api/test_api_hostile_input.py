"""Hostile and invalid input: never an unexpected error, never a byte from outside the roots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from in_process_gateway import InProcessGateway

from bridge_gateway.api.request_limits import MAX_BODY_BYTES

SECRET = b"a secret next to the roots"


@pytest.fixture(scope="module")
def version(gateway: InProcessGateway) -> str:
    return gateway.make_version()


@pytest.fixture
def secret(gateway: InProcessGateway) -> Path:
    path = gateway.root / "secret.exr"
    path.write_bytes(SECRET)
    return path


OUTSIDE_PATHS = [
    "../secret.exr",
    "..%2fsecret.exr",
    "%2e%2e/secret.exr",
    "%2e%2e%2fsecret.exr",
    "..%5csecret.exr",
    "a/../../secret.exr",
    "./main.1001.exr",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "etc/passwd",
    "",
    "%00",
    "a%00.exr",
    "%ff%fe",
    "C:%5cWindows%5cwin.ini",
    "file:%2f%2f%2fetc/passwd",
    "lineage.json%00.exr",
    "a" * 5000,
    "%F0%9F%8E%AC",
]


@pytest.mark.parametrize("path", OUTSIDE_PATHS)
def test_no_file_name_leads_out_of_the_result(
    gateway: InProcessGateway, version: str, secret: Path, path: str
) -> None:
    more = ["/".join([".."] * depth) + "/secret.exr" for depth in range(1, 12)]
    for name in [path, *more, *(quote(one, safe="") for one in more)]:
        answer = gateway.call("GET", f"/v1/results/{version}/files/{name}")
        assert answer.status in (400, 404, 422), name
        assert SECRET not in answer.body
        assert answer.headers["content-type"] == "application/problem+json"


IDS = ["..", "%2e%2e", "..%2f..", "a%00", "%00", "'", "a b", "a" * 65, "é", "%ff", "*", ".", "%0a"]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/{}",
        "/v1/jobs/{}/frames",
        "/v1/jobs/{}/proxies/1",
        "/v1/versions/{}",
        "/v1/versions/{}/notes",
        "/v1/test-frames/{}",
        "/v1/results/{}/files",
        "/v1/results/{}/files/a.exr",
        "/v1/results/{}/proxies/1",
        "/v1/results/{}/thumbnail",
        "/v1/events?job={}",
        "/v1/jobs?before={}",
        "/v1/content/{}",
    ],
)
def test_invalid_ids(gateway: InProcessGateway, path: str, name: str) -> None:
    name = quote(name, safe="%") if not name.isascii() or " " in name else name
    answer = gateway.call("GET", path.format(name))
    assert answer.status in (400, 404, 405, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("frame", ["x", "1.5", "1e3", "%00", "99999999999999999999", "-", "1/2"])
def test_invalid_frames(gateway: InProcessGateway, version: str, frame: str) -> None:
    for kind in ("results", "jobs"):
        answer = gateway.call("GET", f"/v1/{kind}/{version}/proxies/{frame}")
        assert answer.status in (404, 422)


@pytest.mark.parametrize("value", ["%00", "a%00b", "..", "%2f", "a" * 200, "", "%0d%0aX:1"])
@pytest.mark.parametrize("name", ["show", "sequence", "shot", "service"])
def test_invalid_names_in_searches(gateway: InProcessGateway, name: str, value: str) -> None:
    assert gateway.call("GET", f"/v1/versions?{name}={value}").status == 422


def test_plates_outside_the_roots(gateway: InProcessGateway, secret: Path) -> None:
    """The message is the same whether the file exists or not."""
    problems = []
    for path in (secret, secret.with_name("nothing.exr")):
        submission = gateway.submission(show="outside")
        files = [file.model_dump() for file in submission.plate_files]
        files[0] |= {"path": str(path), "size": len(SECRET), "mtime_ns": 1}
        if path.exists():
            files[0]["mtime_ns"] = path.stat().st_mtime_ns
        body = {"files": [files[0]]}
        assert gateway.call("POST", "/v1/media/readable", body).json() == {"readable": []}
        given = submission.model_dump(mode="json") | {"plate_files": files}
        answer = gateway.call(
            "POST", "/v1/jobs", given, headers={"Idempotency-Key": f"outside-{path.stem}"}
        )
        job = gateway.wait_for_job(answer.json()["id"]) if answer.status == 201 else None
        problem = job["problem"] if job else answer.json()
        assert problem["code"] == "outside_roots"
        problems.append(json.dumps(problem).replace(path.stem, ""))
    assert problems[0] == problems[1]


@pytest.mark.parametrize("kind", ["reference", "movie"])
def test_links_out_of_the_roots(gateway: InProcessGateway, secret: Path, kind: str) -> None:
    link = gateway.plates / f"link-{kind}.exr"
    link.symlink_to(secret)
    stat = link.stat()
    file = {"path": str(link), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    answer = gateway.call("POST", "/v1/media/readable", {"files": [file]})
    assert answer.json() == {"readable": []}


BODIES: list[tuple[bytes, tuple[int, ...]]] = [
    (b"", (422,)),
    (b"{", (422,)),
    (b"null", (422,)),
    (b"[]", (422,)),
    (b'{"files": null}', (422,)),
    (b"\xff\xfe", (422,)),
    (b"\x00", (422,)),
    (b'{"files": [NaN]}', (422,)),
    (b'{"files": [{"path": "a", "size": Infinity, "mtime_ns": 0}]}', (422,)),
    (b'{"files": [{"path": "a", "size": 1e999, "mtime_ns": 0}]}', (422,)),
    (b'{"files": [{"path": "\\u0000", "size": 1, "mtime_ns": 0}]}', (422,)),
    (b'{"files": [{"path": "\\ud800", "size": 1, "mtime_ns": 0}]}', (422,)),
    (b'{"\\ud800": 1}', (422,)),
    (b'{"\\u0000": 1}', (422,)),
    (b"[" * 100_000, (422,)),
    (b'{"files": ' + b"[" * 900 + b"]" * 900 + b"}", (422,)),
    (b'{"files": [{"path": "a", "size": ' + b"9" * 5000 + b', "mtime_ns": 0}]}', (422,)),
    (b'{"files": [{"path": "a", "size": 1' + b"0" * 4000 + b', "mtime_ns": 0}]}', (200,)),
    (b'{"files": [{"path": "/a", "size": 1, "mtime_ns": 0, "extra": 1}]}', (422,)),
]


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize(("body", "statuses"), BODIES, ids=range(len(BODIES)))
def test_invalid_bodies(gateway: InProcessGateway, body: bytes, statuses: tuple[int, ...]) -> None:
    headers = {"Content-Type": "application/json"}
    answer = gateway.call("POST", "/v1/media/readable", body, headers=headers)
    assert answer.status in statuses, answer.body
    answer.json()


def test_a_field_that_is_wrong_is_named(gateway: InProcessGateway) -> None:
    given = gateway.submission().model_dump(mode="json")
    given["request"]["shot"]["cut_range"]["first"] = "soon"
    answer = gateway.call("POST", "/v1/jobs", given, headers={"Idempotency-Key": "k" * 16})
    fields = answer.json()["details"]["fields"]
    assert [field["field"] for field in fields] == ["body.request.shot.cut_range.first"]
    assert fields[0]["value"] == "'soon'"


def with_value(given: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    node: Any = given
    *way, last = path.split(".")
    for part in way:
        node = node[part]
    node[last] = value
    return given


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("shot.plate.range.last", 2**31 - 1),
        ("shot.head_handle", 10**30),
        ("shot.tail_handle", 2**31),
        ("shot.cut_range.first", -(10**4000)),
        ("shot.cut_range.rate", "1e1000000000"),
        ("shot.cut_range.rate", "1/0"),
        ("shot.retime", {"speed": "1e1000000000"}),
        ("shot.retime", {"speed": 1e999}),
        ("shot.plate.path", "/plates/a.%0999999999d.exr"),
        ("shot.plate.path", "\0"),
        ("shot.plate.pixel_aspect", 1e999),
        ("shot.id.show", "../../etc"),
        ("shot.id.show", "a\0b"),
        ("shot.id.shot", "a/b"),
        ("service", "../copy"),
        ("service", "\0"),
        ("parameters", {"seconds": 1e999}),
        ("parameters", {"seconds": "x" * 100_000}),
        ("parameters", {"\0": 1}),
        ("parameters", {"deep": json.loads("[" * 300 + "]" * 300)}),
        ("test_frames", [10**300]),
        ("test_frames", [1001, 1001]),
        ("schema_version", 10**30),
    ],
)
def test_requests_that_would_fill_the_memory_or_the_disk(
    gateway: InProcessGateway, path: str, value: Any
) -> None:
    given = gateway.submission().model_dump(mode="json")
    with_value(given["request"], path, value)
    if path == "shot.plate.range.last":
        with_value(given["request"], "shot.cut_range.last", value)
    submitted = gateway.call("POST", "/v1/jobs", given, headers={"Idempotency-Key": "x" * 20})
    assert submitted.status == 422, submitted.body
    quoted = gateway.call("POST", "/v1/quotes", {"requests": [given["request"]]})
    assert quoted.status == 422 or not quoted.json()[0]["allowed"], quoted.body


@pytest.mark.parametrize(
    "key", ["", "short", "a" * 129, "a b c d e f g h", "../../../../x", "é" * 9]
)
def test_invalid_keys(gateway: InProcessGateway, key: str) -> None:
    given = gateway.submission().model_dump(mode="json")
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    assert gateway.call("POST", "/v1/jobs", given, headers=headers).status == 422


def test_bodies_that_are_too_large(gateway: InProcessGateway) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"files": [' + b" " * MAX_BODY_BYTES + b"]}"
    try:
        answer = gateway.call("POST", "/v1/media/readable", body, headers=headers)
    except (BrokenPipeError, ConnectionResetError):
        return  # refused before all of it was sent
    assert answer.status == 413
    assert answer.json()["next_step"]


def test_lists_that_are_too_long(gateway: InProcessGateway) -> None:
    address = {"sha256": "0" * 64, "size": 1}
    assert gateway.call("POST", "/v1/content/states", [address] * 50_001).status == 422
    file = {"path": "a", "size": 1, "mtime_ns": 1}
    assert gateway.call("POST", "/v1/media/readable", {"files": [file] * 50_001}).status == 422


def test_names_in_many_scripts(gateway: InProcessGateway) -> None:
    for show in ("Übermut", "映画", "फ़िल्म", "Mein Film mit Leerzeichen", "🎬"):
        job = gateway.send(gateway.submission(show=show)).json()
        ended = gateway.wait_for_job(job["id"])
        assert ended["state"] == "succeeded", ended["problem"]
        listed = gateway.call("GET", f"/v1/versions?show={quote(show)}").json()
        assert [version["shot"]["show"] for version in listed] == [show]
        files = gateway.call("GET", f"/v1/results/{ended['version_id']}/files").json()
        for file in files:
            path = f"/v1/results/{ended['version_id']}/files/{quote(file['path'])}"
            assert len(gateway.call("GET", path).body) == file["size"]
