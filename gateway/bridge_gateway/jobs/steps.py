"""The steps of a job, but for publishing. Each may be killed anywhere and then runs again whole.

Colour in, model, colour out happen inside ``run``, frame by frame: see
docs/decisions/0003-steps-of-a-job.md.
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from bridge_core.errors import InvalidRequest
from bridge_core.models.jobs import Cost
from bridge_core.models.media import PlateKind
from bridge_core.models.services import settle_parameters
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs import inputs, space, states
from bridge_gateway.jobs.bench import Admitted, Bench, Sealed, Staged
from bridge_gateway.jobs.naming import THUMBNAIL, pattern_files
from bridge_gateway.jobs.progress import Reporter
from bridge_gateway.providers.contract import PROXY, Made, Provider, Task

_log = logging.getLogger(__name__)

#: How long a provider has to end after a cancellation before it is left behind: what its
#: contract says.
_GRACE_SECONDS = 2.0
_LOOK_SECONDS = 0.05


def admit(bench: Bench) -> Admitted:
    """Whether the job can be done at all; no picture is read or written yet.

    :raises InvalidRequest: unknown service, wrong parameters, or something that no service takes.
    :raises OutsideRoots: a plate that this gateway may not read.
    :raises MissingFrames: files that are not there.
    :raises UnknownColourSpace: the plate's is not in the OCIO config, or nothing tells it.
    :raises DiskFull: the library has too little space.
    """
    tools, request = bench.tools, bench.request
    service, provider = tools.service(request.service)
    parameters = settle_parameters(service, request.parameters)
    for name, given in (("references", request.references), ("regions", request.regions)):
        if given:
            # Made without them, the pictures would not be what was asked for.
            raise InvalidRequest(
                f"{service.title} takes no {name}",
                where=f"request.{name}",
                next_step=f"send the shot without {name}",
            )
    located = inputs.locate(bench.submission, tools.contents, tools.roots)
    bench.folder.make()
    space.require(bench.folder, request, sum(file.size for file, _ in located))
    return Admitted(
        parameters=parameters,
        provider=provider.id,
        colour_space=tools.colour.settle(request.shot.plate),
    )


def stage(bench: Bench) -> Staged:
    """Find, read and identify every file; see :func:`bridge_gateway.jobs.inputs.stage`."""
    located = inputs.locate(bench.submission, bench.tools.contents, bench.tools.roots)
    bench.watch.begin("stage", len(located))
    return Staged(files=inputs.stage(located, check=bench.watch.check, done=bench.watch.frame_done))


def run(bench: Bench, admitted: Admitted, staged: Staged) -> Made:
    """Have the provider make the frames; those that an earlier attempt finished are kept.

    :raises JobCancelled: somebody cancelled, or the gateway stops.
    """
    frames = bench.request.frames
    bench.folder.make()
    bench.watch.begin("run", len(frames), [f for f in frames if _proxy(bench, f).exists()])
    _, provider = bench.tools.service(bench.request.service)
    begun = time.monotonic()
    made = _supervised(provider, _task(bench, admitted, staged), bench.watch)
    new = bench.watch.made()
    if new:
        states.record_pace(bench.tools.database, bench.job, (time.monotonic() - begun) / new)
    return made


def check(bench: Bench, staged: Staged, made: Made) -> None:
    """Whether everything that was asked for was made, whole, from the plate that was sent.

    :raises CheckFailed: what was made does not pass.
    :raises PlateChanged: the plate is no longer the one that was staged.
    """


def proxy(bench: Bench, made: Made) -> Proxies:
    """A proxy for each frame, and the thumbnail; those that are missing are made."""
    raise NotImplementedError


def seal(bench: Bench, made: Made, proxies: Proxies) -> Sealed:
    """Read and hash every file that is going to be published."""
    frames = bench.request.frames
    names = [THUMBNAIL, *pattern_files(proxies.pattern, frames)]
    for output in made.outputs:
        names += pattern_files(output.pattern, frames)
    bench.watch.begin("seal", len(names))
    files: list[ResultFile] = []
    for position, name in enumerate(names):
        path = bench.folder.pictures / name
        sha256 = inputs.sha256_of(path, bench.watch.check)
        files.append(ResultFile(path=name, size=path.stat().st_size, sha256=sha256))
        bench.watch.frame_done(position)
    return Sealed(files=tuple(files), proxies=proxies)


def settle(bench: Bench) -> None:
    """Close the account: what runs on this machine costs nothing."""
    states.succeed(bench.tools.database, bench.job, Cost())


def _task(bench: Bench, admitted: Admitted, staged: Staged) -> Task:
    request = bench.request
    if request.shot.plate.kind is PlateKind.SEQUENCE:
        files = {file.frame: Path(file.path) for file in staged.files if file.frame is not None}
    else:
        files = dict.fromkeys(request.frames, Path(staged.files[0].path))
    return Task(
        job=bench.job,
        service=request.service,
        parameters=admitted.parameters,
        plate=request.shot.plate,
        files=files,
        frames=request.frames,
        colour_space=admitted.colour_space,
        delivery=request.delivery,
        folder=bench.folder.pictures,
        note=request.note,
    )


def _supervised(provider: Provider, task: Task, watch: Reporter) -> Made:
    """Run a provider in a thread of its own, so that one that does not end can be left behind."""
    outcome: Future[Made] = Future()

    def work() -> None:
        try:
            outcome.set_result(provider.run(task, watch))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name=f"provider {task.job}", daemon=True).start()
    while not outcome.done() and not watch.cancelled():
        concurrent.futures.wait([outcome], timeout=_LOOK_SECONDS)
    concurrent.futures.wait([outcome], timeout=_GRACE_SECONDS)
    if not outcome.done():
        _log.error(
            "provider %s did not end job %s within %g s of its cancellation and was left behind; "
            "restart the gateway if it keeps the machine busy",
            provider.id,
            task.job,
            _GRACE_SECONDS,
        )
        watch.check()
    return outcome.result()


def _proxy(bench: Bench, frame: int) -> Path:
    return bench.folder.pictures / PROXY.format(frame=frame)
