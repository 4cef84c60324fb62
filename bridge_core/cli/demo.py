"""``demo``: real footage through the whole bridge, with a gateway of its own.

All its files are in one folder: plates, cuts, versions, the contact sheet, a summary and the
state of its gateway. Weights, footage and plates are prepared once.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.gateway_command import capture_gateway
from bridge_core.cli.sources import add_cut_options, cut_rate, load_cut
from bridge_core.errors import ConfigError, InvalidRequest

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version

#: Finished pictures have been tone mapped already; doing it again would darken them.
DEMO_VIEW = "Un-tone-mapped"

_SUMMARY_FILE = "summary.json"

#: The service for each shot of the demo's own cut.
DEMO_SERVICES = {"BBB_0010": "upscale", "BBB_0020": "matte", "BIKES_0030": "upscale"}


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser(
        "demo", parents=[common], help="real footage through the whole bridge, into one folder"
    )
    demo.add_argument("cut", nargs="?", type=Path, help="a cut of your own; default: the demo's")
    demo.add_argument("--service", help="the service; default for a cut of your own: upscale")
    demo.add_argument("--out", type=Path, default=Path("demo_out"))
    add_cut_options(demo)
    demo.set_defaults(run=_run_demo)


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """What a panel needs to open the results of a demo."""

    cut: Path
    timeline: str | None
    """The ``--timeline`` that the cut was read with."""
    rate: str | None
    """The ``--rate`` that the cut was read with."""
    settings: dict[str, Any]
    """The settings of the demo's gateway."""


def read_demo(folder: Path) -> FinishedDemo:
    """The finished demo in this folder.

    :raises ConfigError: the folder holds no finished demo.
    """
    try:
        summary = json.loads((folder / _SUMMARY_FILE).read_text(encoding="utf-8"))
        return FinishedDemo(
            Path(summary["cut"]),
            summary.get("cut_timeline"),
            summary.get("cut_rate"),
            summary["settings"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "the folder holds no finished demo",
            where=str(folder / _SUMMARY_FILE),
            next_step="run `shotbridge demo` first, or give the folder of a demo",
        ) from error


def _run_demo(context: CommandContext) -> int:
    from bridge_core.cli.jobs import follow_jobs, format_outcomes, jobs_exit_code, submit_all
    from bridge_core.cli.timeline import place_gateway_versions
    from bridge_core.timeline.cut_reader import read_cut
    from bridge_core.timeline.media_check import check_media

    out: Path = context.arguments.out.expanduser().absolute()
    user_cut: Path | None = context.arguments.cut
    timeline_name, rate = context.arguments.timeline, cut_rate(context)
    if user_cut is None and (timeline_name is not None or rate is not None):
        raise InvalidRequest(
            "--timeline and --rate are for a cut of your own",
            next_step="leave them out, or give a cut",
        )
    _check_output_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    view = DEMO_VIEW if user_cut is None else None
    settings = _gateway_settings(out, view)
    context.set_defaults(settings)

    context.output.print_message("Weights and footage")
    model_ids = ("span-x2", "realesr-animevideo-x4", "u2netp") if user_cut else ()
    capture_gateway(context.config.settings, "models", "install", *model_ids, "--quiet")
    if user_cut is None:
        context.output.print_message("Plates: half-float EXR in ACEScg, from frame 1001")
        cut_path = _write_demo_cut(context, out)
    else:
        cut_path = user_cut.expanduser().absolute()

    work = context.config.settings.work
    if user_cut is None:
        cut = read_cut(cut_path, show=context.arguments.show, handles=work.handles)
    else:
        cut = load_cut(context, cut_path)
    cut = check_media(cut)
    for problem in cut.problems:
        context.output.print_message(f"  {problem.outcome}: {problem}")
    shots = [cut_shot.shot for cut_shot in cut.shots]
    if not shots:
        raise InvalidRequest(
            "the cut has no shot that can be sent",
            where=str(cut_path),
            next_step="see `shotbridge timeline shots CUT --check-media` for each clip's problem",
        )
    context.output.print_message(f"Cut: {cut_path.name}, {len(shots)} shots")
    # The plates are read in place, by the demo's own gateway only.
    folders = sorted({str(Path(shot.plate.path).parent) for shot in shots})
    settings["gateway.media_roots"] = folders
    context.set_defaults(settings)
    requests = [_build_request(context, shot, user_cut is None) for shot in shots]

    jobs, errors = submit_all(context, requests)
    jobs = follow_jobs(context, jobs)
    versions = [context.client.version(job.version_id) for job in jobs if job.version_id]
    if versions:
        versions[0] = _approve_version(context, versions[0])
    target = out / f"{cut_path.stem.removesuffix('_v001')}_with_versions.otio"
    timeline = Path(place_gateway_versions(context, cut, target, overwrite=True)["timeline"])
    contact_sheet = _write_contact_sheet(context, jobs, versions, out, view) if versions else None
    summary = _build_summary(jobs, versions, timeline, contact_sheet)
    summary |= {
        "cut": str(cut_path),
        "cut_timeline": timeline_name,
        "cut_rate": str(rate) if rate else None,
        "settings": settings,
    }
    (out / _SUMMARY_FILE).write_text(
        json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    context.output.print_message("")
    context.output.print_result(summary, format_outcomes(jobs))
    context.output.print_message(
        f"\ncut with versions      {timeline}\ncontact sheet          {contact_sheet}\n"
        f"versions               {out / 'versions'}\nsummary                {out / _SUMMARY_FILE}"
    )
    for error in errors:
        context.output.print_error(error)
    _stop_gateway(context)
    return errors[0].exit_code if errors else jobs_exit_code(jobs)


def _check_output_folder(out: Path) -> None:
    """A demo overwrites an earlier demo's files only.

    :raises InvalidRequest: the folder holds files, and is not a demo's.
    """
    if (
        out.exists()
        and not (out / ".gateway").exists()
        and (not out.is_dir() or any(out.iterdir()))
    ):
        raise InvalidRequest(
            "a demo needs a folder of its own, and this one holds other files",
            where=str(out),
            next_step="give a new folder with --out",
        )


def _gateway_settings(out: Path, view: str | None) -> dict[str, Any]:
    """The settings of the demo's own gateway."""
    return {
        "client.url": None,
        "client.state_dir": str(out / ".gateway"),
        "gateway.data_dir": str(out / ".gateway" / "data"),
        "gateway.library_dir": str(out / "versions"),
        "gateway.colour.view": view,
    }


def _write_demo_cut(context: CommandContext, out: Path) -> Path:
    from bridge_core.cli.demo_cut import write_demo_cut

    plates = json.loads(
        capture_gateway(context.config.settings, "demo-plates", "--out", str(out / "plates"))
    )
    return write_demo_cut(out / "demo_cut_v001.otio", plates)


def _build_request(context: CommandContext, shot: Shot, is_demo_cut: bool) -> Request:
    from bridge_core.models.requests import Request

    service = context.arguments.service or (
        DEMO_SERVICES[shot.id.shot] if is_demo_cut else "upscale"
    )
    return Request(shot=shot, service=service)


def _approve_version(context: CommandContext, version: Version) -> Version:
    from bridge_core.models.versions import Decision, ReviewStatus

    decision = Decision(
        status=ReviewStatus.APPROVED,
        comment="approved by the demo",
        content_hash=version.content_hash,
    )
    return context.client.decide(version.id, decision)


def _write_contact_sheet(
    context: CommandContext,
    jobs: Sequence[Job],
    versions: Sequence[Version],
    out: Path,
    view: str | None,
) -> Path:
    by_id = {version.id: version for version in versions}
    rows = []
    for job in jobs:
        version = by_id.get(job.version_id or "")
        if version is None:
            continue
        shot = job.request.shot
        frame = shot.cut_range.first + shot.cut_range.count // 2
        outputs = {output.name: output for output in version.outputs}
        matte = outputs.get("matte")
        rows.append(
            {
                "shot": shot.id.shot,
                "caption": f"{job.request.service}  {version.label}  "
                f"frames {shot.work_range}, cut {shot.cut_range}",
                "status": str(version.status),
                "frame": frame,
                "plate": shot.plate.path_at(frame),
                "result": _frame_file(version, outputs["main"].pattern, frame),
                "colour_space": outputs["main"].colour_space,
                "matte": _frame_file(version, matte.pattern, frame) if matte else None,
            }
        )
    target = out / "contact_sheet.png"
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as spec:
        json.dump(
            {
                "heading": "Shotbridge",
                "subtitle": "plates and results, through the same view",
                "view": view,
                "rows": rows,
            },
            spec,
        )
        spec.flush()
        capture_gateway(
            context.config.settings, "demo-contact-sheet", "--rows", spec.name, "--out", str(target)
        )
    return target


def _frame_file(version: Version, pattern: str, frame: int) -> str:
    from bridge_core.models.media import frame_path

    return str(Path(version.folder) / frame_path(pattern, frame))


def _build_summary(
    jobs: Sequence[Job], versions: Sequence[Version], timeline: Path, contact_sheet: Path | None
) -> dict[str, Any]:
    by_id = {version.id: version for version in versions}
    job_summaries = []
    for job in jobs:
        version = by_id.get(job.version_id or "")
        job_summaries.append(
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
        "jobs": job_summaries,
        "timeline": str(timeline),
        "contact_sheet": str(contact_sheet) if contact_sheet else None,
    }


def _stop_gateway(context: CommandContext) -> None:
    from bridge_core.launcher import stop_gateway

    stop_gateway(context.config.settings)
