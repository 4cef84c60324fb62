"""A remote provider that is a folder: it outlives the gateway, and counts what it charges.

Every piece of work is a file, and every charge a line in ``charges.log``. Work ends after
``polls`` polls. The behaviours, a parameter:

- ``work``: nothing special;
- ``hang``: the work never ends;
- ``strict``: as ``lose``, and a key that was used is refused;
- ``lose``: the answer to a submission is lost after the work was accepted;
- ``busy``: the first submission is certainly not accepted;
- ``refuse``: every submission is refused;
- ``fail``: the work fails, and is charged;
- ``deaf``: the work never ends, and a cancellation is answered only once ``answer`` exists.
"""

from __future__ import annotations

import json
import shutil
import threading
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import OpenImageIO as oiio

from bridge_core.errors import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from bridge_core.models.findings import Finding
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Cost
from bridge_core.models.services import (
    AcceptedInputs,
    ChoiceParameter,
    DataLocality,
    IntegerParameter,
    OutputKind,
    ParameterChoice,
    Pricing,
    RegionKind,
    Service,
    ServiceCapabilities,
    ServiceLimits,
)
from bridge_core.models.versions import ResultOutput
from bridge_gateway.providers.base import (
    CancelOutcome,
    ProviderQueue,
    ProviderTask,
    RemoteHandle,
    RemoteProvider,
    RemoteState,
    RemoteStatus,
    TaskMatte,
    TaskMonitor,
    TaskResult,
    TextOutput,
)

#: Knows keys; can find work by its key; neither.
KINDS = KEYED, FINDABLE, BLIND = ("remote_keyed", "remote_findable", "remote_blind")
#: Makes a text and findings, no pictures; accepts references, regions, a seed and a version.
DESCRIBE = "remote_describe"
PRICE = Cost(amount=Decimal("2.5"), currency="EUR")
_BEHAVIOURS = ("work", "hang", "lose", "strict", "busy", "refuse", "fail", "deaf")


class CountingRemoteProvider(RemoteProvider):
    id = "remote"
    queue = ProviderQueue(account="studio", concurrency=2)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def list_services(self) -> tuple[Service, ...]:
        described = AcceptedInputs(
            references=2,
            reference_roles=("look", "face"),
            regions=(RegionKind.SHAPE, RegionKind.MATTE),
            seed=True,
            source_version=True,
        )
        return (
            *(self._service(kind) for kind in KINDS),
            self._service(
                DESCRIBE, accepts=described, produces=(OutputKind.TEXT, OutputKind.FINDINGS)
            ),
        )

    def _service(self, kind: str, **fields: Any) -> Service:
        behaviours = tuple(ParameterChoice(value=one, title=one) for one in _BEHAVIOURS)
        return Service(
            id=kind,
            title=kind,
            summary="Far away.",
            provider=self.id,
            data_locality=DataLocality.EXTERNAL,
            parameters=(
                ChoiceParameter(
                    name="behaviour", title="Behaviour", default="work", choices=behaviours
                ),
                IntegerParameter(name="polls", title="Polls", default=2, minimum=1, maximum=1000),
            ),
            limits=ServiceLimits(formats=("exr",), max_frames=100),
            capabilities=ServiceCapabilities(cancel=True, idempotency=kind == KEYED),
            pricing=Pricing(amount=PRICE.amount, currency=PRICE.currency),
            **fields,
        )

    def charges(self) -> list[str]:
        """The keys of all work that was charged, in order."""
        log = self.folder / "charges.log"
        return log.read_text().split() if log.exists() else []

    def submit(self, task: ProviderTask, key: str) -> RemoteHandle:
        behaviour = str(task.parameters.get("behaviour"))
        if task.service not in (*KINDS, DESCRIBE):
            raise ProviderRefused(f"there is no service {task.service!r}")
        if behaviour == "refuse":
            raise ProviderRefused(
                "the content was refused", where=self.id, next_step="change the note"
            )
        if behaviour == "busy" and not (self.folder / "was-busy").exists():
            (self.folder / "was-busy").touch()
            raise ProviderUnavailable("too many requests", where=self.id)
        handle = self._find(key) if task.service == KEYED else None
        if handle is not None and behaviour == "strict":
            raise ProviderRefused("this key was used", where=self.id, next_step="use another one")
        if handle is None:
            handle = {"id": uuid.uuid4().hex}
            with (self.folder / "charges.log").open("a") as log:
                log.write(f"{key}\n")
            state = {"key": key, "behaviour": behaviour, "left": task.parameters["polls"]}
            self._write(handle, {**state, "state": "running"})
        if behaviour in ("lose", "strict") and not (self.folder / "lost").exists():
            (self.folder / "lost").touch()
            raise ConnectionError("the connection was closed")
        return handle

    def poll(self, handle: RemoteHandle) -> RemoteStatus:
        work = self._read(handle)
        if work is None:
            return RemoteStatus(RemoteState.UNKNOWN, message="there is no such work")
        if work["state"] == "running" and work["behaviour"] not in ("hang", "deaf"):
            work["left"] -= 1
            if work["left"] <= 0:
                work["state"] = "failed" if work["behaviour"] == "fail" else "succeeded"
            self._write(handle, work)
        state = RemoteState(work["state"])
        message = "the content was moderated" if state is RemoteState.FAILED else ""
        return RemoteStatus(
            state,
            fraction=0.5,
            message=message,
            charge=PRICE if state.ended else None,
            retry_after=0.05,
        )

    def fetch(self, handle: RemoteHandle, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        if task.service == DESCRIBE:
            facts = {
                "references": [[one.path.name, one.role, one.title] for one in task.references],
                "regions": len(task.regions),
                "mattes": [
                    {
                        "feather": one.region.feather,
                        "files": {frame: str(path) for frame, path in one.files.items()},
                    }
                    for one in task.regions
                    if isinstance(one, TaskMatte)
                ],
                "seed": task.seed,
                "source": task.source.version_id if task.source else None,
                "source_file": str(task.source.picture_path(task.frames[0])) if task.source else "",
            }
            return TaskResult(
                texts=(TextOutput("description.json", json.dumps(facts)),),
                findings=(Finding(frame=task.frames[0], measure="exposure", value=0.5),),
            )
        for frame in task.frames:
            fetch_frame(task, frame)
            monitor.frame_done(frame)
        spec = oiio.ImageBuf(str(task.folder / f"main.{task.frames[0]:04d}.exr")).spec()
        main = ResultOutput(
            name="main",
            pattern="main.%04d.exr",
            range=FrameRange.of(task.frames[0], task.frames[-1], task.plate.range.rate),
            colour_space=task.colour_space,
            width=spec.full_width,
            height=spec.full_height,
            channels=tuple(spec.channelnames),
            depth="half",
        )
        return TaskResult(outputs=(main,))

    def cancel(self, handle: RemoteHandle) -> CancelOutcome:
        work = self._read(handle)
        if work is not None and work["behaviour"] == "deaf":
            while not (self.folder / "answer").exists():
                threading.Event().wait(0.02)
        if work is None or work["state"] != "running":
            return CancelOutcome(stopped=False, charge=PRICE, message="it had ended")
        self._write(handle, {**work, "state": "cancelled"})
        return CancelOutcome(stopped=True, charge=PRICE, message="stopped, without a refund")

    def find(self, key: str) -> RemoteHandle | None:
        if (self.folder / "blind").exists():
            raise OutcomeUnknown("there is no list", next_step="look at the invoice")
        return self._find(key)

    def _find(self, key: str) -> RemoteHandle | None:
        for path in self.folder.glob("*.json"):
            if json.loads(path.read_text())["key"] == key:
                return {"id": path.stem}
        return None

    def _read(self, handle: RemoteHandle) -> dict[str, Any] | None:
        path = self.folder / f"{handle['id']}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _write(self, handle: RemoteHandle, work: dict[str, Any]) -> None:
        partial = self.folder / f"{handle['id']}.partial"
        partial.write_text(json.dumps(work))
        partial.replace(self.folder / f"{handle['id']}.json")


def fetch_frame(task: ProviderTask, frame: int) -> None:
    """Bring one frame; the work is a copy of the plate."""
    target = task.folder / f"main.{frame:04d}.exr"
    if not target.exists():
        partial = task.folder / f".partial-{frame}"
        shutil.copyfile(task.files[frame], partial)
        partial.rename(target)
