"""The steps of a job, but for publishing. Each may be killed anywhere and then runs again whole.

Colour in, model, colour out happen inside ``run``, frame by frame: see
docs/decisions/0003-steps-of-a-job.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bridge_core.errors import CheckFailed, UnreadableMedia
from bridge_core.models.jobs import Cost
from bridge_core.models.media import PlateKind, frame_path
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs import inputs, space, states
from bridge_gateway.jobs.bench import Admitted, Bench, Sealed, Staged
from bridge_gateway.jobs.naming import THUMBNAIL
from bridge_gateway.jobs.progress import Reporter
from bridge_gateway.media.decode_tasks import (
    CheckTask,
    ExamineTask,
    ProbeTask,
    ProxiesTask,
    ThumbnailTask,
)
from bridge_gateway.media.plate_facts import contradictions
from bridge_gateway.providers.contract import PROXY, PROXY_PATTERN, Made, Task


def admit(bench: Bench) -> Admitted:
    """Whether the job can be done at all, by the request and by what its first file says.

    :raises InvalidRequest: unknown service, wrong parameters, something that no service takes, or
        a movie that does not run at the rate that its frames are counted at.
    :raises OutsideRoots: a plate that this gateway may not read.
    :raises MissingFrames: files that are not there, or a movie that ends before its range does.
    :raises UnreadableMedia: the first file cannot be read.
    :raises TransferError: nor is it what was sent; it is thrown away.
    :raises PlateChanged: nor is it what the client saw.
    :raises UnknownColourSpace: the plate's is not in the OCIO config, or nothing tells it.
    :raises DiskFull: the library has too little space.
    :raises StorageUnavailable: the disk of the library or of a plate does not answer.
    """
    tools, request = bench.tools, bench.request
    order = tools.order(request)
    located = inputs.locate(bench.submission, tools.contents, tools.roots)
    bench.folder.make()
    space.require(bench.folder, request, sum(file.size for file, _ in located))
    plate = request.shot.plate
    first, path = located[0]
    try:
        probed = tools.decoder.run(
            ProbeTask(plate=plate, path=path, frame=request.frames[0]), check=bench.watch.check
        )
    except UnreadableMedia:
        # Where the gateway's copy was damaged, the artist's file is not at fault.
        inputs.stage([(first, path)], tools.contents, check=bench.watch.check, done=lambda _: None)
        raise
    facts = probed.facts
    assert facts is not None  # it was asked for
    colour = tools.colour.settle(plate, facts.colour)
    warnings = contradictions(plate, facts, request.frames) + colour.warnings + facts.notes
    if warnings:
        states.record_warnings(tools.database, bench.job, warnings)
    return Admitted(
        parameters=order.parameters,
        provider=order.provider.id,
        colour_space=colour.space,
        warnings=warnings,
    )


def stage(bench: Bench) -> Staged:
    """Find, read and identify every file; see :func:`bridge_gateway.jobs.inputs.stage`.

    :raises MissingFrames: also where a movie ends before its range does.
    :raises UnreadableMedia: a frame that is no picture, or one that cannot be worked on.
    """
    located = inputs.locate(bench.submission, bench.tools.contents, bench.tools.roots)
    bench.watch.begin("stage", len(located))
    files = inputs.stage(
        located, bench.tools.contents, check=bench.watch.check, done=bench.watch.frame_done
    )
    staged = Staged(files=files)
    # A movie may end before the range that somebody wrote down for it, and a frame be no picture.
    bench.tools.decoder.run(
        ExamineTask(
            plate=bench.request.shot.plate,
            files=_files(bench, staged),
            frames=bench.request.frames,
        ),
        check=bench.watch.check,
    )
    return staged


def run(bench: Bench, admitted: Admitted, staged: Staged) -> Made:
    """Have the provider make the frames; those that an earlier attempt finished are kept.

    :raises JobCancelled: somebody cancelled, or the gateway stops.
    :raises UnknownService: the provider that was chosen is no longer there.
    """
    frames = bench.request.frames
    bench.folder.make()
    bench.watch.begin("run", len(frames), [f for f in frames if _proxy(bench, f).exists()])
    provider = bench.tools.provider(admitted.provider)
    begun = time.monotonic()
    made = provider.run(_task(bench, admitted, staged), bench.watch)
    new = bench.watch.made()
    if new:
        states.record_pace(bench.tools.database, bench.job, (time.monotonic() - begun) / new)
    return made


def check(bench: Bench, staged: Staged, made: Made) -> None:
    """Whether everything that was asked for was made, whole, from the plate that was sent.

    :raises CheckFailed: what was made does not pass.
    :raises PlateChanged: the plate is no longer the one that was staged.
    """
    frames, watch = bench.request.frames, bench.watch
    if not any(output.name == "main" for output in made.outputs):
        raise CheckFailed(
            "the provider made no output 'main', which is what goes into the cut",
            where=f"service {bench.request.service}",
            next_step="report this to whoever looks after the provider",
        )

    watch.begin("check", len(frames))
    for output in made.outputs:
        task = CheckTask(
            folder=bench.folder.pictures,
            output=output,
            frames=frames,
            plate=bench.request.shot.plate,
            files=_files(bench, staged),
        )
        bench.tools.decoder.run(task, check=watch.check, done=watch.frame_done)
    inputs.unchanged(staged.files, watch.check)


def proxy(bench: Bench, made: Made) -> Proxies:
    """A proxy for each frame, and the thumbnail; proxies that are missing are made."""
    tools, frames, folder = bench.tools, bench.request.frames, bench.folder.pictures
    missing = [frame for frame in frames if not _proxy(bench, frame).exists()]
    bench.watch.begin("proxy", len(missing))
    if missing:
        _make_proxies(bench, made, missing)
    settings = tools.settings.proxies
    # Of the proxies: what they show (a matte over its plate, say) is the provider's choice.
    middle = frames[len(frames) // 2]
    shown = tools.decoder.run(
        ThumbnailTask(
            proxy=_proxy(bench, middle),
            frame=middle,
            target=folder / THUMBNAIL,
            colour=tools.settings.colour,
            width=settings.thumbnail_width,
        ),
        check=bench.watch.check,
    )
    width, height = shown.size
    return Proxies(
        pattern=PROXY_PATTERN,
        width=width,
        height=height,
        display=tools.colour.display,
        view=tools.colour.view,
    )


def seal(bench: Bench, made: Made, proxies: Proxies) -> Sealed:
    """Read and hash every file that is going to be published."""
    folder, frames = bench.folder.pictures, bench.request.frames
    patterns = [proxies.pattern, *(output.pattern for output in made.outputs)]
    bench.watch.begin("seal", len(frames))
    files = {THUMBNAIL: _sealed(folder, THUMBNAIL, bench.watch)}
    for frame in frames:
        for name in (frame_path(pattern, frame) for pattern in patterns):
            # A movie is one file for all frames.
            if name not in files:
                files[name] = _sealed(folder, name, bench.watch)
        bench.watch.frame_done(frame)
    return Sealed(files=tuple(files.values()), proxies=proxies)


def settle(bench: Bench) -> None:
    """Close the account: what runs on this machine costs nothing."""
    states.succeed(bench.tools.database, bench.job, Cost())


def _task(bench: Bench, admitted: Admitted, staged: Staged) -> Task:
    request = bench.request
    return Task(
        job=bench.job,
        service=request.service,
        parameters=admitted.parameters,
        plate=request.shot.plate,
        files=_files(bench, staged),
        frames=request.frames,
        colour_space=admitted.colour_space,
        delivery=request.delivery,
        folder=bench.folder.pictures,
        note=request.note,
    )


def _files(bench: Bench, staged: Staged) -> dict[int, Path]:
    """The file of each frame; of a movie or a still, the same for all."""
    if bench.request.shot.plate.kind is PlateKind.SEQUENCE:
        return {file.frame: Path(file.path) for file in staged.files if file.frame is not None}
    return dict.fromkeys(bench.request.frames, Path(staged.files[0].path))


def _make_proxies(bench: Bench, made: Made, frames: Sequence[int]) -> None:
    tools = bench.tools
    _proxy(bench, frames[0]).parent.mkdir(exist_ok=True)
    task = ProxiesTask(
        folder=bench.folder.pictures,
        output=next(output for output in made.outputs if output.name == "main"),
        targets={frame: _proxy(bench, frame) for frame in frames},
        colour=tools.settings.colour,
        proxies=tools.settings.proxies,
    )
    tools.decoder.run(task, check=bench.watch.check, done=bench.watch.frame_done)


def _sealed(folder: Path, name: str, watch: Reporter) -> ResultFile:
    path = folder / name
    sha256 = inputs.sha256_of(path, watch.check)
    return ResultFile(path=name, size=path.stat().st_size, sha256=sha256)


def _proxy(bench: Bench, frame: int) -> Path:
    return bench.folder.pictures / PROXY.format(frame=frame)
