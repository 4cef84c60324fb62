"""``demo``: real footage through the whole bridge, with a gateway of its own.

Everything that it makes lies in one folder: plates, cuts, versions, the contact sheet, a summary,
and the state of its own gateway. Plates, weights and footage are made once.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.gateway import ask
from bridge_core.errors import ConfigError, InvalidRequest

if TYPE_CHECKING:
    from bridge_core.cli.call import Call
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version

#: Finished pictures carry their tone curve already; a second one would darken them.
VIEW = "Un-tone-mapped"

_SUMMARY = "summary.json"

#: What is asked for each shot of the demo's own cut.
SERVICES = {"BBB_0010": "upscale", "BBB_0020": "matte", "BIKES_0030": "upscale"}


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser(
        "demo", parents=[common], help="real footage through the whole bridge, into one folder"
    )
    demo.add_argument("cut", nargs="?", type=Path, help="a cut of your own; none: the demo's")
    demo.add_argument("--service", help="what to ask for; default: upscale for a cut of your own")
    demo.add_argument("--out", type=Path, default=Path("demo_out"))
    demo.set_defaults(run=_demo)


def left_in(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The cut that a demo in this folder was about, and the settings of its gateway.

    :raises ConfigError: no demo has ended there.
    """
    try:
        summary = json.loads((folder / _SUMMARY).read_text(encoding="utf-8"))
        return Path(summary["cut"]), summary["settings"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "no demo has ended here",
            where=str(folder / _SUMMARY),
            next_step="run `shotbridge demo` first, or name the folder of one",
        ) from error


def _demo(call: Call) -> int:
    from bridge_core.cli.cuts import place_versions
    from bridge_core.cli.jobs import ends, exit_code, follow, submit_all
    from bridge_core.timeline.lookup import look_for_media
    from bridge_core.timeline.reading import read_cut

    out: Path = call.arguments.out.expanduser().absolute()
    own: Path | None = call.arguments.cut
    _check_free(out)
    out.mkdir(parents=True, exist_ok=True)
    view = VIEW if own is None else None
    settings = _settings(out, view)
    call.suggest(settings)

    call.output.say("Weights and footage")
    own_models = ("span-x2", "realesr-animevideo-x4", "u2netp") if own else ()
    ask(call.loaded.settings, "models", "install", *own_models, "--quiet")
    if own is None:
        call.output.say("Plates: half-float EXR in ACEScg, from frame 1001")
        cut_path = _own_cut(call, out)
    else:
        cut_path = own.expanduser().absolute()

    work = call.loaded.settings.work
    cut = look_for_media(read_cut(cut_path, show=call.arguments.show, handles=work.handles))
    for problem in cut.problems:
        call.output.say(f"  left out: {problem}")
    shots = [placed.shot for placed in cut.shots]
    if not shots:
        raise InvalidRequest(
            "the cut has no shot that can be sent",
            where=str(cut_path),
            next_step="see `shotbridge timeline shots CUT --look` for what is wrong with each clip",
        )
    call.output.say(f"Cut: {cut_path.name}, {len(shots)} shots")
    # Plates are read where they lie; only this gateway, which is the demo's own, may do so.
    folders = sorted({str(Path(shot.plate.path).parent) for shot in shots})
    settings["gateway.media_roots"] = folders
    call.suggest(settings)
    requests = [_request(call, shot, own is None) for shot in shots]

    jobs, errors = submit_all(call, requests)
    jobs = follow(call, jobs)
    versions = [call.client.version(job.version) for job in jobs if job.version]
    if versions:
        versions[0] = _approve(call, versions[0])
    target = out / f"{cut_path.stem.removesuffix('_v001')}_with_versions.otio"
    timeline = Path(place_versions(call, cut, target, overwrite=True)["timeline"])
    sheet = _sheet(call, jobs, versions, out, view) if versions else None
    summary = _summary(jobs, versions, timeline, sheet)
    summary |= {"cut": str(cut_path), "settings": settings}
    (out / _SUMMARY).write_text(
        json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    call.output.say("")
    call.output.result(summary, ends(jobs))
    call.output.say(
        f"\ncut with the versions  {timeline}\ncontact sheet          {sheet}\n"
        f"versions               {out / 'versions'}\nsummary                {out / _SUMMARY}"
    )
    for error in errors:
        call.output.error(error)
    _end_gateway(call)
    return errors[0].exit_code if errors else exit_code(jobs)


def _check_free(out: Path) -> None:
    """A demo replaces what an earlier one left in its folder, and nobody else's files.

    :raises InvalidRequest: the folder holds something, and no demo was made in it.
    """
    if (
        out.exists()
        and not (out / ".gateway").exists()
        and (not out.is_dir() or any(out.iterdir()))
    ):
        raise InvalidRequest(
            "a demo writes into a folder of its own, and this one holds other files",
            where=str(out),
            next_step="name a new folder with --out",
        )


def _settings(out: Path, view: str | None) -> dict[str, Any]:
    """Of the demo's own gateway."""
    return {
        "client.url": None,
        "client.state_dir": str(out / ".gateway"),
        "gateway.data_dir": str(out / ".gateway" / "data"),
        "gateway.library_dir": str(out / "versions"),
        "gateway.colour.view": view,
    }


def _own_cut(call: Call, out: Path) -> Path:
    from bridge_core.cli.demo_cut import write_cut

    plates = json.loads(ask(call.loaded.settings, "demo-plates", "--out", str(out / "plates")))
    return write_cut(out / "demo_cut_v001.otio", plates)


def _request(call: Call, shot: Shot, own: bool) -> Request:
    from bridge_core.models.requests import Request

    service = call.arguments.service or (SERVICES[shot.id.shot] if own else "upscale")
    return Request(shot=shot, service=service, asked_by=call.user)


def _approve(call: Call, version: Version) -> Version:
    from bridge_core.models.versions import Decision, ReviewStatus

    decision = Decision(
        status=ReviewStatus.APPROVED,
        by=call.user,
        comment="approved by the demo",
        content_hash=version.content_hash,
    )
    return call.client.decide(version.id, decision)


def _sheet(
    call: Call, jobs: Sequence[Job], versions: Sequence[Version], out: Path, view: str | None
) -> Path:
    by_id = {version.id: version for version in versions}
    rows = []
    for job in jobs:
        version = by_id.get(job.version or "")
        if version is None:
            continue
        shot = job.request.shot
        span = shot.cut_range
        frame = span.first + span.count // 2
        outputs = {output.name: output for output in version.outputs}
        matte = outputs.get("matte")
        rows.append(
            {
                "shot": shot.id.shot,
                "words": f"{job.request.service}  {version.label}  "
                f"frames {shot.work_range}, cut {span}",
                "status": str(version.status),
                "frame": frame,
                "plate": shot.plate.file(frame),
                "result": _file(version, outputs["main"].pattern, frame),
                "space": outputs["main"].colour_space,
                "matte": _file(version, matte.pattern, frame) if matte else None,
            }
        )
    target = out / "contact_sheet.png"
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as spec:
        json.dump(
            {
                "title": "Shotbridge",
                "subtitle": "plates and what came back, seen through the same view",
                "view": view,
                "rows": rows,
            },
            spec,
        )
        spec.flush()
        ask(call.loaded.settings, "demo-sheet", "--rows", spec.name, "--out", str(target))
    return target


def _file(version: Version, pattern: str, frame: int) -> str:
    from bridge_core.models.media import frame_path

    return str(Path(version.folder) / frame_path(pattern, frame))


def _summary(
    jobs: Sequence[Job], versions: Sequence[Version], timeline: Path, sheet: Path | None
) -> dict[str, Any]:
    by_id = {version.id: version for version in versions}
    told = []
    for job in jobs:
        version = by_id.get(job.version or "")
        told.append(
            {
                "id": job.id,
                "shot": str(job.request.shot.id),
                "service": job.request.service,
                "state": str(job.state),
                "version": version.label if version else None,
                "status": str(version.status) if version else None,
                "folder": version.folder if version else None,
                "frames": len(version.frames) if version else 0,
                "seconds": (job.finished - job.started).total_seconds()
                if job.started and job.finished
                else None,
            }
        )
    return {
        "shots": len(jobs),
        "jobs": told,
        "timeline": str(timeline),
        "contact_sheet": str(sheet) if sheet else None,
    }


def _end_gateway(call: Call) -> None:
    from bridge_core.launcher import stop

    stop(call.loaded.settings)
