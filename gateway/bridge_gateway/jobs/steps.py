"""The steps of a job, but for publishing. Each may be killed anywhere and then runs again whole.

Colour in, model, colour out happen inside ``run``, frame by frame: see
docs/decisions/0003-steps-of-a-job.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bridge_core.errors import CheckFailed
from bridge_core.models.jobs import Cost
from bridge_core.models.media import Plate, PlateKind, frame_path
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs import inputs, space, states
from bridge_gateway.jobs.bench import Admitted, Bench, Sealed, Staged
from bridge_gateway.jobs.naming import THUMBNAIL
from bridge_gateway.jobs.progress import Reporter
from bridge_gateway.media.checks import check_output
from bridge_gateway.media.colour import DATA
from bridge_gateway.media.pictures import read_picture
from bridge_gateway.media.plate_facts import contradictions
from bridge_gateway.media.plates import PlateReader, probe
from bridge_gateway.media.proxies import write_proxy, write_thumbnail
from bridge_gateway.providers.contract import PROXY, PROXY_PATTERN, Made, Task


def admit(bench: Bench) -> Admitted:
    """Whether the job can be done at all, by the request and by what its first file says.

    :raises InvalidRequest: unknown service, wrong parameters, something that no service takes, or
        a movie that does not run at the rate that its frames are counted at.
    :raises OutsideRoots: a plate that this gateway may not read.
    :raises MissingFrames: files that are not there, or a movie that ends before its range does.
    :raises UnreadableMedia: the first file cannot be read.
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
    facts = probe(plate, {request.frames[0]: located[0][1]})
    colour = tools.colour.settle(plate, facts.colour)
    warnings = contradictions(plate, facts, request.frames) + colour.warnings
    if warnings:
        states.record_warnings(tools.database, bench.job, warnings)
    return Admitted(
        parameters=order.parameters,
        provider=order.provider.id,
        colour_space=colour.space,
        warnings=warnings,
    )


def stage(bench: Bench) -> Staged:
    """Find, read and identify every file; see :func:`bridge_gateway.jobs.inputs.stage`."""
    located = inputs.locate(bench.submission, bench.tools.contents, bench.tools.roots)
    bench.watch.begin("stage", len(located))
    files = inputs.stage(
        located, bench.tools.contents, check=bench.watch.check, done=bench.watch.frame_done
    )
    return Staged(files=files)


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

    def done(frame: int) -> None:
        watch.check()
        watch.frame_done(frame)

    watch.begin("check", len(frames))
    for output in made.outputs:
        check_output(bench.folder.pictures, output, frames, done)
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
    middle = read_picture(_proxy(bench, frames[len(frames) // 2]))
    write_thumbnail(folder / THUMBNAIL, middle.rgb(), DATA, tools.colour, settings.thumbnail_width)
    return Proxies(
        pattern=PROXY_PATTERN,
        width=middle.width,
        height=middle.height,
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
    tools, folder = bench.tools, bench.folder.pictures
    settings = tools.settings.proxies
    main = next(output for output in made.outputs if output.name == "main")
    plate = Plate(path=str(folder / main.pattern), range=main.range)
    _proxy(bench, frames[0]).parent.mkdir(exist_ok=True)
    with PlateReader(plate, {frame: Path(plate.file(frame)) for frame in frames}) as reader:
        for frame in frames:
            bench.watch.check()
            picture = reader.read(frame)
            write_proxy(
                _proxy(bench, frame),
                picture.framed(picture.rgb()),
                main.colour_space,
                tools.colour,
                settings.width,
                settings.quality,
                pixel_aspect=main.pixel_aspect,
            )
            bench.watch.frame_done(frame)


def _sealed(folder: Path, name: str, watch: Reporter) -> ResultFile:
    path = folder / name
    sha256 = inputs.sha256_of(path, watch.check)
    return ResultFile(path=name, size=path.stat().st_size, sha256=sha256)


def _proxy(bench: Bench, frame: int) -> Path:
    return bench.folder.pictures / PROXY.format(frame=frame)
