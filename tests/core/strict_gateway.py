"""A gateway on loopback that is as strict as docs/api.md, and that fails on demand.

Sending the token on a connection before a challenge is a violation. The challenge is the call
``GET /v1/about?challenge``; the handshake is a separate call. Requests are validated by the models,
and violations are recorded in ``violations``, which the fixture checks at the end of each test.
``faults`` are applied in order to the calls that they match.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from bridge_core.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    ShotbridgeError,
    TransferError,
    WrongOffset,
)
from bridge_core.models.base import canonical_json, now
from bridge_core.models.costs import Quote, QuoteQuery
from bridge_core.models.gateway import About, Event, EventKind, ReadableFilesQuery, compute_proof
from bridge_core.models.jobs import (
    Job,
    JobProgress,
    JobState,
    JobUpdate,
    Resolution,
    ResolutionRecord,
)
from bridge_core.models.media import ContentAddress
from bridge_core.models.notes import NewNote, Note
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Submission
from bridge_core.models.versions import Decision, ResultFile

TOKEN = "strict-token-0123456789"


@dataclass
class Fault:
    """A fault of the next call that matches ``method`` and ``path`` (a regex).

    ``refuse``: the connection is reset before the call is read. ``cut_body``: it is reset after so
    many bytes of the body. ``cut_answer``: the call is done and half of the response is sent.
    ``drop_answer``: the call is done and the connection closed. ``hang``: the call is done, and
    nothing is sent until the gateway closes. ``answer``: this response is sent instead.
    """

    method: str
    path: str
    refuse: bool = False
    cut_body: int | None = None
    cut_answer: bool = False
    drop_answer: bool = False
    hang: bool = False
    answer: tuple[int, str, bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    """Called when the call arrives, before anything else."""
    triggered: threading.Event = field(default_factory=threading.Event)


class DropConnection(Exception):
    """The connection must be reset."""


class ResponseSent(Exception):
    """The response has already been sent."""


class StrictGateway:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self.roots: list[Path] = []
        self.partial: dict[str, bytearray] = {}
        self.contents: dict[str, bytes] = {}
        self.received = 0
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, str] = {}
        self.notes: dict[str, Note] = {}
        self.submissions: dict[str, Submission] = {}
        self.events: list[Event] = []
        self.first_event = 1
        self.listeners = 0
        self.heartbeat = 0.2
        self.results: dict[str, dict[str, bytes]] = {}
        self.corruptions: dict[str, int] = {}
        self.canned_answers: dict[str, Any] = {}
        self.about = About(
            version="0.1.0", api_version="1.0", min_client_version="0.1.0", instance_id="one"
        )
        self.token = TOKEN
        self.closing = threading.Event()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, port: int = 0) -> None:
        self.closing = threading.Event()
        gateway = self

        class BoundHandler(StrictGatewayHandler):
            strict = gateway

        class StrictServer(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore lost connections."""

        self.server = StrictServer(("127.0.0.1", port), BoundHandler)
        self.server.open_sockets = set()  # type: ignore[attr-defined]
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def stop(self) -> None:
        """End like a killed process: all connections are reset."""
        self.closing.set()
        with self.lock:
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.server.open_sockets):  # type: ignore[attr-defined]
            _reset(connection)
        self.thread.join()

    def restart(self) -> None:
        port = self.port
        self.stop()
        self.about = self.about.model_copy(update={"instance_id": f"{self.about.instance_id}+"})
        self.start(port)

    def fault(self, method: str, path: str, **what: Any) -> Fault:
        with self.lock:
            self.faults.append(Fault(method, path, **what))
            return self.faults[-1]

    def count(self, method: str, path: str) -> int:
        with self.lock:
            return sum(m == method and bool(re.fullmatch(path, p)) for m, p in self.calls)

    def publish_job(self, job: Job) -> None:
        with self.lock:
            self.jobs[job.id] = job
            number = self.first_event + len(self.events)
            self.events.append(Event(id=number, kind=EventKind.JOB, at=now(), job=job))
            self.changed.notify_all()

    def publish_progress(self, job_id: str, done: int) -> None:
        with self.lock:
            number = self.first_event + len(self.events)
            update = JobUpdate(
                id=job_id, state=JobState.RUNNING, progress=JobProgress(step="run", done=done)
            )
            self.events.append(Event(id=number, kind=EventKind.PROGRESS, at=now(), update=update))
            self.changed.notify_all()

    def end_job(self, job: str, state: JobState = JobState.SUCCEEDED) -> None:
        self.publish_job(self.jobs[job].model_copy(update={"state": state}))

    def files(self, result: str) -> list[ResultFile]:
        return [
            ResultFile(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
            for path, data in self.results[result].items()
        ]


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()


class StrictGatewayHandler(BaseHTTPRequestHandler):
    strict: StrictGateway
    protocol_version = "HTTP/1.1"
    fault: Fault | None = None
    challenged = False
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)  # type: ignore[attr-defined]

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)  # type: ignore[attr-defined]
        with suppress(OSError, ValueError):
            super().finish()

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def _handle(self, method: str) -> None:
        split = urlsplit(self.path)
        self.query = parse_qs(split.query)
        name = split.path + ("?challenge" if "challenge" in self.query else "")
        self.unread = int(self.headers.get("Content-Length", 0))
        gateway = self.strict
        with gateway.lock:
            gateway.calls.append((method, name))
            self.fault = next((f for f in gateway.faults if _fault_matches(f, method, name)), None)
            if self.fault is not None:
                gateway.faults.remove(self.fault)
        fault = self.fault
        try:
            if fault is not None and fault.before is not None:
                fault.before()
            if fault is not None and fault.refuse:
                raise DropConnection
            self._check_headers(method)
            if fault is not None and fault.answer is not None:
                self._body()
                status, kind, content = fault.answer
                self._send(status, kind, content, fault.headers)
                return
            if split.path == "/v1/events":
                self._stream()
                return
            try:
                status, answer = self._route(method, split.path)
            except ShotbridgeError as error:
                self._body()
                problem = Problem.from_error(error).model_dump_json().encode()
                self._send(error.status, "application/problem+json", problem)
                return
            if isinstance(answer, bytes):
                self._send(status, "application/octet-stream", answer)
            else:
                kind = type(answer) if not isinstance(answer, list) else list[Any]
                self._send(status, "application/json", TypeAdapter(kind).dump_json(answer))
        except ResponseSent:
            return
        except DropConnection:
            self.close_connection = True
            if fault is not None:
                fault.triggered.set()
            _reset(self.connection)
        except ValidationError as error:
            with gateway.lock:
                gateway.violations.append(f"{method} {split.path}: {error}")
            _reset(self.connection)
        except OSError:
            self.close_connection = True

    def _check_headers(self, method: str) -> None:
        rules = {
            "client version": bool(self.headers.get("X-Shotbridge-Client")),
            "host": self.headers.get("Host") == f"127.0.0.1:{self.strict.port}",
            "token": self.headers.get("Authorization")
            == (f"Bearer {TOKEN}" if self.challenged else None),
            "user": bool(self._user()) == ("challenge" not in self.query),
            "no multipart": "multipart" not in self.headers.get("Content-Type", ""),
            "length": method == "GET" or "Content-Length" in self.headers,
        }
        wrong = [name for name, held in rules.items() if not held]
        if wrong:
            with self.strict.lock:
                self.strict.violations.append(f"{method} {self.path}: {', '.join(wrong)}")

    def _user(self) -> str:
        """Who makes the call."""
        return unquote(self.headers.get("Shotbridge-User", ""), errors="strict")

    def _body(self) -> bytes:
        """The unread part of the call's body."""
        body = self.rfile.read(self.unread) if self.unread else b""
        self.unread = 0
        return body

    def _send(
        self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None
    ) -> None:
        fault = self.fault
        if fault is not None and fault.hang:
            fault.triggered.set()
            self.strict.closing.wait(60)
            raise DropConnection
        if fault is not None and fault.drop_answer:
            raise DropConnection
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if fault is not None and fault.cut_answer:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            time.sleep(0.05)  # so that the first half arrives before the reset
            raise DropConnection
        self.wfile.write(content)
        if fault is not None:
            fault.triggered.set()

    def _route(self, method: str, path: str) -> tuple[int, Any]:
        gateway = self.strict
        call = f"{method} {path}"
        if call in gateway.canned_answers:
            self._body()
            return 200, gateway.canned_answers[call]
        if call == "GET /v1/about":
            if "challenge" not in self.query:
                return 200, gateway.about
            self.challenged = True
            proof = compute_proof(
                gateway.token, self.query["challenge"][0], gateway.about.instance_id
            )
            return 200, gateway.about.model_copy(update={"proof": proof})
        if call == "POST /v1/media/readable":
            query = ReadableFilesQuery.model_validate_json(self._body())
            readable = [i for i, f in enumerate(query.files) if _is_within(f.path, gateway.roots)]
            return 200, {"readable": readable}
        if call == "POST /v1/content/states":
            asked = TypeAdapter(list[ContentAddress]).validate_json(self._body())
            return 200, [self._state(address.sha256) for address in asked]
        if match := re.fullmatch(r"PATCH /v1/content/([0-9a-f]{64})", call):
            return 200, self._append(match[1])
        if call == "POST /v1/jobs":
            return self._submit()
        if call == "POST /v1/quotes":
            quotes = QuoteQuery.model_validate_json(self._body())
            return 200, [Quote(frames=len(one.frames)) for one in quotes.requests]
        if call == "GET /v1/jobs":
            return 200, list(gateway.jobs.values())
        if match := re.fullmatch(r"GET /v1/jobs/([^/]+)", call):
            if unquote(match[1]) not in gateway.jobs:
                raise NotFound("no such job")
            return 200, gateway.jobs[unquote(match[1])]
        if match := re.fullmatch(r"POST /v1/jobs/([^/]+)/cancel", call):
            gateway.end_job(match[1], JobState.CANCELLED)
            return 200, gateway.jobs[match[1]]
        if match := re.fullmatch(r"POST /v1/jobs/([^/]+)/resolve", call):
            answer = Resolution.model_validate_json(self._body())
            record = ResolutionRecord(**answer.model_dump(), by=self._user(), at=now())
            job = gateway.jobs[match[1]]
            is_cancelled = job.state is JobState.CANCELLED
            state = JobState.CANCELLED if is_cancelled else JobState.FAILED
            gateway.publish_job(job.model_copy(update={"state": state, "resolution": record}))
            return 200, gateway.jobs[match[1]]
        if match := re.fullmatch(r"POST /v1/versions/([^/]+)/decisions", call):
            Decision.model_validate_json(self._body())
            assert self.headers["Idempotency-Key"]
            return 200, gateway.canned_answers["version"]
        if match := re.fullmatch(r"POST /v1/versions/([^/]+)/notes", call):
            note = NewNote.model_validate_json(self._body())
            key = self.headers["Idempotency-Key"]
            if key in gateway.notes:
                return 200, gateway.notes[key]
            added = Note(
                id=key or "n", version_id=match[1], text=note.text, by=self._user(), at=now()
            )
            if key:
                gateway.notes[key] = added
            return 201, added
        if match := re.fullmatch(r"GET /v1/results/([^/]+)/files", call):
            return 200, gateway.files(match[1])
        if match := re.fullmatch(r"GET /v1/results/([^/]+)/files/(.+)", call):
            return self._file(match[1], unquote(match[2]))
        raise NotFound(f"there is no {call}")

    def _state(self, sha256: str) -> dict[str, Any]:
        gateway = self.strict
        with gateway.lock:
            if sha256 in gateway.contents:
                offset = len(gateway.contents[sha256])
                return {"sha256": sha256, "offset": offset, "complete": True}
            offset = len(gateway.partial.get(sha256, b""))
            return {"sha256": sha256, "offset": offset, "complete": False}

    def _append(self, sha256: str) -> dict[str, Any]:
        gateway = self.strict
        offset, whole = int(self.headers["Upload-Offset"]), int(self.headers["Upload-Length"])
        length = int(self.headers["Content-Length"])
        with gateway.lock:
            part = gateway.partial.setdefault(sha256, bytearray())
        if sha256 in gateway.contents or offset != len(part):
            raise WrongOffset(
                "the offset is wrong", details={"offset": self._state(sha256)["offset"]}
            )
        if offset + length > whole:
            raise InvalidRequest("too long")
        left, cut = length, self.fault.cut_body if self.fault else None
        while left:
            block = self.rfile.read(min(left, 65536, *([cut] if cut is not None else [])))
            if not block:
                raise DropConnection
            with gateway.lock:
                part += block
                gateway.received += len(block)
            left -= len(block)
            self.unread -= len(block)
            if cut is not None:
                cut -= len(block)
                if cut <= 0:
                    raise DropConnection
        with gateway.lock:
            if len(part) == whole:
                del gateway.partial[sha256]
                corrupted = gateway.corruptions.get("upload", 0)
                if corrupted:
                    gateway.corruptions["upload"] = corrupted - 1
                if corrupted or hashlib.sha256(part).hexdigest() != sha256:
                    raise TransferError("the content does not have this hash")
                gateway.contents[sha256] = bytes(part)
        return self._state(sha256)

    def _submit(self) -> tuple[int, Job]:
        gateway = self.strict
        submission = Submission.model_validate_json(self._body())
        key = self.headers["Idempotency-Key"]
        for file in submission.files:
            if file.sha256 is None:
                assert _is_within(file.path, gateway.roots), "the gateway cannot read this path"
            elif file.sha256 not in gateway.contents:
                raise InvalidRequest("an uploaded file is missing")
        with gateway.lock:
            if key in gateway.keys:
                job = gateway.jobs[gateway.keys[key]]
                same = canonical_json(job.request) == canonical_json(submission.request)
                if not same or job.requested_by != self._user():
                    raise IdempotencyKeyReused("this key was used for another job")
                return 200, job
            job = Job(
                id=f"job-{len(gateway.jobs) + 1}",
                key=key,
                request=submission.request,
                requested_by=self._user(),
                state=JobState.QUEUED,
                created=now(),
            )
            gateway.keys[key] = job.id
            gateway.submissions[job.id] = submission
            gateway.publish_job(job)
            return 201, job

    def _file(self, result: str, path: str) -> tuple[int, bytes]:
        content = self.strict.results[result][path]
        if self.strict.corruptions.get(path, 0):
            self.strict.corruptions[path] -= 1
            content = bytes(len(content))
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted is None:
            return 200, content
        start = int(wanted[1])
        rest = content[start:]
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self._send(206, "application/octet-stream", rest, headers)
        raise ResponseSent

    def _stream(self) -> None:
        gateway = self.strict
        known = self.headers.get("Last-Event-ID") or self.query.get("after", [None])[0]
        job = self.query.get("job", [None])[0]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with gateway.lock:
            last = gateway.first_event + len(gateway.events) - 1
            after = last if known is None else min(int(known), last)
            gateway.listeners += 1
            gateway.changed.notify_all()
        fault = self.fault
        try:
            self._chunk(b"retry: 1000\nid: %d\n\n" % after)
            sent = 0
            while not gateway.closing.is_set():
                with gateway.lock:
                    page = [e for e in gateway.events if e.id > after]
                    if not page:
                        gateway.changed.wait(gateway.heartbeat)
                if not page:
                    self._chunk(b": still here\n\n")
                for event in page:
                    after = event.id
                    if job is not None and (event.job is None or event.job.id != job):
                        continue
                    text = f"id: {event.id}\nevent: {event.kind}\ndata: {event.model_dump_json()}"
                    message = f"{text}\n\n".encode()
                    if fault is not None and fault.cut_answer and sent == 1:
                        self._chunk(message[: len(message) // 2])
                        time.sleep(0.05)
                        raise DropConnection
                    self._chunk(message)
                    sent += 1
                    if fault is not None and fault.hang:
                        gateway.closing.wait(60)
                    if fault is not None and fault.drop_answer and sent == 1:
                        raise DropConnection
        finally:
            with gateway.lock:
                gateway.listeners -= 1
        self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


def _fault_matches(fault: Fault, method: str, path: str) -> bool:
    return fault.method == method and re.fullmatch(fault.path, path) is not None


def _is_within(path: str, roots: list[Path]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)
