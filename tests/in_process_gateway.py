"""A gateway in the test's own process: a real server on loopback and a small real provider."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

import bridge_core
from bridge_core.errors import JobCancelled
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import About
from bridge_core.models.media import Plate, SourceFile
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import DataLocality, NumberParameter, Service
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import ResultOutput
from bridge_gateway import serve
from bridge_gateway.api.activity import Activity
from bridge_gateway.api.app import create_app
from bridge_gateway.api.auth.middleware import MIN_CLIENT_VERSION, AuthConfig
from bridge_gateway.api.connection_limits import ConnectionLimits
from bridge_gateway.api.dependencies import ApiContext
from bridge_gateway.api.sse import EventBroadcaster
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.media.plate_proxy_cache import PlateProxyCache
from bridge_gateway.providers.base import (
    PICTURE_FILENAME,
    PROXY_FILENAME,
    FrameProvider,
    ProviderQueue,
    ProviderTask,
    TaskMonitor,
    TaskResult,
)
from bridge_gateway.providers.registry import ProviderRegistry

TOKEN = "a-token-that-is-only-for-tests"
WIDTH, HEIGHT = 32, 18


class SlowCopyProvider(FrameProvider):
    """Copies the plate, each frame after ``seconds``."""

    id = "copier"

    def __init__(self, workers: int) -> None:
        self.queue = ProviderQueue(concurrency=workers)

    def list_services(self) -> tuple[Service, ...]:
        slow = NumberParameter(name="seconds", title="Seconds", default=0, minimum=0, maximum=60)
        return (
            Service(
                id="copy",
                title="Copy",
                summary="Copies the plate",
                provider=self.id,
                data_locality=DataLocality.LOCAL,
                parameters=(slow,),
            ),
        )

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        for frame in task.frames:
            until = time.monotonic() + float(task.parameters["seconds"])
            while time.monotonic() < until:
                if monitor.cancelled():
                    raise JobCancelled("cancelled", where=task.job_id)
                time.sleep(0.01)
            target = task.folder / PICTURE_FILENAME.format(
                output="main", frame=frame, suffix=".exr"
            )
            half = target.with_suffix(".half")
            shutil.copyfile(task.files[frame], half)
            half.replace(target)
            proxy = task.folder / PROXY_FILENAME.format(frame=frame)
            proxy.parent.mkdir(exist_ok=True)
            assert oiio.ImageBuf(str(target)).write(str(proxy))
            monitor.frame_done(frame)
        output = ResultOutput(
            name="main",
            pattern="main.%04d.exr",
            range=task.plate.range,
            colour_space=task.colour_space,
            width=WIDTH,
            height=HEIGHT,
            channels=("R", "G", "B"),
            depth="half",
        )
        return TaskResult(outputs=(output,))

    def close(self) -> None:
        pass


class EventStreamReader:
    """Reads a stream of server-sent events as any client does."""

    def __init__(self, gateway: InProcessGateway, path: str, last: int | None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.headers["content-type"].startswith("text/event-stream")
        self.last_id = last

    def messages(self) -> Iterator[dict[str, Any]]:
        """Each event as ``{id, kind, data}``, until the stream ends."""
        message: dict[str, Any] = {}
        for raw in self.response:
            text = raw.decode().rstrip("\n")
            name, _, value = text.partition(": ")
            if name == "id":
                self.last_id = message["id"] = int(value)
            elif name == "event":
                message["kind"] = value
            elif name == "data":
                message["data"] = json.loads(value)
            elif not text:
                if "data" in message:
                    yield message
                message = {}

    def take(self, count: int) -> list[dict[str, Any]]:
        taken = []
        for message in self.messages():
            taken.append(message)
            if len(taken) == count:
                break
        return taken

    def until_end_of(self, job: str) -> list[dict[str, Any]]:
        taken = []
        for message in self.messages():
            taken.append(message)
            reported = message["data"].get("job")
            if (
                reported
                and reported["id"] == job
                and reported["state"] not in ("queued", "running")
            ):
                break
        return taken


@dataclass
class HttpResponse:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class InProcessGateway:
    """A data folder, and the gateway that runs on it."""

    root: Path
    limits: ConnectionLimits | None = None
    settings: GatewaySettings = field(init=False)
    port: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.plates = self.root / "plates"
        self.plates.mkdir(parents=True)
        self.settings = GatewaySettings(
            data_dir=self.root / "data",
            library_dir=self.root / "library",
            media_roots=(self.plates,),
            content_limit_mb=100,
        )

    # --- opening and closing

    def open(self) -> None:
        settings = self.settings
        self.runtime = JobRuntime(
            settings, ProviderRegistry.of([SlowCopyProvider(settings.workers)])
        )
        self.runtime.start()
        self.blob_store = self.runtime.gateway.storage.blobs
        listener = serve.open_listener("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        about = About(
            version=bridge_core.__version__,
            api_version=bridge_core.API_VERSION,
            min_client_version=MIN_CLIENT_VERSION,
            instance_id=uuid.uuid4().hex,
        )
        self.activity = Activity()
        events = EventBroadcaster(self.runtime.events)
        self.plate_proxies = PlateProxyCache(
            settings.data_dir / "plate_proxies", settings.colour, settings.proxies
        )
        context = ApiContext(about, self.runtime, events, self.plate_proxies)
        self.app = create_app(context, AuthConfig.create(TOKEN, ["gateway.studio"]), self.activity)
        ready = threading.Event()
        self._server = serve.GatewayServer(
            serve.server_config(self.app, self.limits), events, ready.set
        )
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[listener]))
        )
        self._thread.start()
        assert ready.wait(20)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()
        self.plate_proxies.close()
        self.runtime.stop()

    # --- calls

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> HttpResponse:
        """Make one call; nothing normalises the path."""
        own_headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        if method == "POST":
            own_headers["Idempotency-Key"] = uuid.uuid4().hex
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            own_headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**own_headers, **(headers or {})})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return HttpResponse(response.status, received, response.read())
        finally:
            connection.close()

    # --- pictures and requests

    def plate(self, show: str = "bunny", frames: int = 3) -> Plate:
        """A sequence from 1001 on, in a folder of the show."""
        folder = self.plates / show
        folder.mkdir(exist_ok=True)
        for frame in range(1001, 1001 + frames):
            path = folder / f"plate.{frame}.exr"
            if not path.exists():
                spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "half")
                picture = oiio.ImageBuf(spec)
                pixels = np.full((HEIGHT, WIDTH, 3), frame / 2000, np.float32)
                assert picture.set_pixels(oiio.ROI(), pixels)
                assert picture.write(str(path))
        return Plate(
            path=str(folder / "plate.%04d.exr"),
            range=FrameRange.of(1001, 1000 + frames),
            colour_space="ACEScg",
        )

    def submission(self, *, show: str = "bunny", frames: int = 3, seconds: float = 0) -> Submission:
        plate = self.plate(show, frames)
        files = []
        for frame in plate.range.frames():
            stat = Path(plate.path_at(frame)).stat()
            files.append(
                SourceFile(
                    path=plate.path_at(frame),
                    frame=frame,
                    size=stat.st_size,
                    mtime_ns=stat.st_mtime_ns,
                )
            )
        request = Request(
            shot=Shot(
                id=ShotId(show=show, sequence="sq010", shot="sh010"),
                plate=plate,
                cut_range=plate.range,
            ),
            service="copy",
            parameters={"seconds": seconds},
        )
        return Submission(request=request, plate_files=tuple(files))

    def send(self, submission: Submission, key: str | None = None) -> HttpResponse:
        return self.call(
            "POST",
            "/v1/jobs",
            submission.model_dump(mode="json"),
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
        )

    def wait_for_job(self, job: str) -> dict[str, Any]:
        """The job, once it has ended."""

        def poll() -> dict[str, Any] | None:
            current: dict[str, Any] = self.call("GET", f"/v1/jobs/{job}").json()
            return current if current["state"] not in ("queued", "running") else None

        return self.wait_until(poll)

    def make_version(self, **submission: Any) -> str:
        """Id of a new version."""
        job = self.wait_for_job(self.send(self.submission(**submission)).json()["id"])
        assert job["state"] == "succeeded", job["problem"]
        version_id: str = job["version_id"]
        return version_id

    @contextmanager
    def event_stream(
        self, path: str = "/v1/events", last: int | None = None
    ) -> Iterator[EventStreamReader]:
        listener = EventStreamReader(self, path, last)
        try:
            yield listener
        finally:
            # The response keeps the connection open.
            listener.response.close()
            listener.connection.close()

    @staticmethod
    def wait_until(poll: Callable[[], Any], seconds: float = 60) -> Any:
        """Call ``poll`` until its result is true, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = poll()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"the condition was not met within {seconds} seconds")
