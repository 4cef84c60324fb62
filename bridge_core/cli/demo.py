"""``demo``: real footage through the whole bridge, with a gateway of its own.

All its files are in one folder: plates, cuts, versions, the contact sheet, a summary and the
state of its gateway. Weights, footage and plates are prepared once.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command
from bridge_core.cli.sources import add_cut_options, cut_rate, load_cut
from bridge_core.errors import ConfigError, InvalidRequest
from bridge_core.gateway_program import capture_gateway

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Version

#: Finished pictures have been tone mapped already; doing it again would darken them.
DEMO_VIEW = "Un-tone-mapped"

#: Frames of each plate of the demo's own cut before and after its cut range.
DEMO_HANDLES = 4
#: Frames of black after its first shot.
GAP_FRAMES = 12

_SUMMARY_FILE = "summary.json"

#: The service for each shot of the demo's own cut.
DEMO_SERVICES = {"BBB_0010": "upscale", "BBB_0020": "matte", "BIKES_0030": "upscale"}


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    help_text = "real footage through the whole bridge, into one folder"
    demo = add_command(commands, common, "demo", _run_demo, help_text)
    demo.add_argument("cut", nargs="?", type=Path, help="a cut of your own; default: the demo's")
    demo.add_argument("--service", help="the service; default for a cut of your own: upscale")
    demo.add_argument("--out", type=Path, default=Path("demo_out"))
    add_cut_options(demo)


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """What a panel needs to open the results of a demo."""

    cut: Path
    timeline: str | None
    """With ``rate``: the options that the cut was read with."""
    rate: str | None
    settings: dict[str, Any]
    """Of the demo's gateway."""


def read_demo(folder: Path) -> FinishedDemo:
    """The finished demo in this folder.

    :raises ConfigError: the folder holds no finished demo.
    """
    try:
        summary = json.loads((folder / _SUMMARY_FILE).read_text(encoding="utf-8"))
        timeline, rate = summary.get("cut_timeline"), summary.get("cut_rate")
        return FinishedDemo(Path(summary["cut"]), timeline, rate, summary["settings"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "the folder holds no finished demo",
            where=str(folder / _SUMMARY_FILE),
            next_step="run `shotbridge demo` first, or give the folder of a demo",
        ) from error


def _run_demo(context: CommandContext) -> int:
    from bridge_core.cli.jobs import follow_jobs, format_outcomes, jobs_exit_code, submit_all
    from bridge_core.cli.timeline import place_gateway_versions
    from bridge_core.gateway_launcher import stop_gateway
    from bridge_core.timeline.cut_reader import read_cut
    from bridge_core.timeline.media_check import check_media

    out: Path = context.arguments.out.expanduser().absolute()
    user_cut: Path | None = context.arguments.cut
    timeline_name, rate = context.arguments.timeline, cut_rate(context)
    if user_cut is None and (timeline_name is not None or rate is not None):
        next_step = "leave them out, or give a cut"
        raise InvalidRequest("--timeline and --rate are for a cut of your own", next_step=next_step)
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
        folder = str(out / "plates")
        plates = capture_gateway(context.config.settings, "demo-plates", "--out", folder)
        cut_path = _write_demo_cut(out / "demo_cut_v001.otio", json.loads(plates))
        handles = context.config.settings.work.handles
        cut = read_cut(cut_path, show=context.arguments.show, handles=handles)
    else:
        cut_path = user_cut.expanduser().absolute()
        cut = load_cut(context, cut_path)
    cut = check_media(cut)
    for problem in cut.problems:
        context.output.print_message(f"  {problem.outcome}: {problem}")
    shots = [cut_shot.shot for cut_shot in cut.shots]
    if not shots:
        message = "the cut has no shot that can be sent"
        next_step = "see `shotbridge timeline shots CUT --check-media` for each clip's problem"
        raise InvalidRequest(message, where=str(cut_path), next_step=next_step)
    context.output.print_message(f"Cut: {cut_path.name}, {len(shots)} shots")
    # The plates are read in place, by the demo's own gateway only.
    folders = sorted({str(Path(shot.plate.path).parent) for shot in shots})
    settings["gateway.media_roots"] = folders
    context.set_defaults(settings)
    requests = [_build_request(context, shot, user_cut is None) for shot in shots]

    jobs, errors = submit_all(context, requests)
    jobs = follow_jobs(context, jobs)
    versions = {job.id: context.client.version(job.version_id) for job in jobs if job.version_id}
    first = next(iter(versions), None)
    if first is not None:
        versions[first] = _approve_version(context, versions[first])
    target = out / f"{cut_path.stem.removesuffix('_v001')}_with_versions.otio"
    timeline = place_gateway_versions(context, cut, target, overwrite=True)["timeline"]
    contact_sheet = _write_contact_sheet(context, jobs, versions, out, view) if versions else None
    summary = {
        "shots": len(jobs),
        "jobs": [_summarise(job, versions.get(job.id)) for job in jobs],
        "timeline": timeline,
        "contact_sheet": contact_sheet,
        "cut": str(cut_path),
        "cut_timeline": timeline_name,
        "cut_rate": str(rate) if rate else None,
        "settings": settings,
    }
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    (out / _SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")
    context.output.print_message("")
    context.output.print_result(summary, format_outcomes(jobs))
    context.output.print_message(
        f"\ncut with versions      {timeline}\ncontact sheet          {contact_sheet}\n"
        f"versions               {out / 'versions'}\nsummary                {out / _SUMMARY_FILE}"
    )
    for error in errors:
        context.output.print_error(error)
    stop_gateway(context.config.settings)
    return errors[0].exit_code if errors else jobs_exit_code(jobs)


def _check_output_folder(out: Path) -> None:
    """A demo overwrites an earlier demo's files only.

    :raises InvalidRequest: the folder holds files, and is not a demo's.
    """
    is_demo = (out / ".gateway").exists()
    if out.exists() and not is_demo and (not out.is_dir() or any(out.iterdir())):
        message = "a demo needs a folder of its own, and this one holds other files"
        raise InvalidRequest(message, where=str(out), next_step="give a new folder with --out")


def _gateway_settings(out: Path, view: str | None) -> dict[str, Any]:
    return {
        "client.url": None,
        "client.state_dir": str(out / ".gateway"),
        "gateway.data_dir": str(out / ".gateway" / "data"),
        "gateway.library_dir": str(out / "versions"),
        "gateway.colour.view": view,
    }


def _write_demo_cut(path: Path, plates: Sequence[Mapping[str, Any]]) -> Path:
    """Write a cut of all plates, each without its handles; its path.

    A plate has ``shot, path, first, last, rate, colour_space, width, height``, as returned by the
    gateway's ``demo-plates``.
    """
    import opentimelineio as otio

    def time_range(start: int, count: int, rate: float) -> Any:
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(start, rate), time(count, rate))

    timeline = otio.schema.Timeline("demo_cut")
    timeline.metadata["shotbridge"] = {"show": "demo"}
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for number, plate in enumerate(plates):
        rate = float(Fraction(plate["rate"]))
        count = plate["last"] - plate["first"] + 1
        pattern = Path(plate["path"])
        prefix, _, ending = pattern.name.partition("%04d")
        facts = {key: plate[key] for key in ("colour_space", "width", "height")}
        media = otio.schema.ImageSequenceReference(
            target_url_base=pattern.parent.as_uri() + "/",
            name_prefix=prefix,
            name_suffix=ending,
            start_frame=plate["first"],
            frame_step=1,
            rate=rate,
            frame_zero_padding=4,
            available_range=time_range(plate["first"], count, rate),
            metadata={"shotbridge": facts},
        )
        shown = time_range(plate["first"] + DEMO_HANDLES, count - 2 * DEMO_HANDLES, rate)
        clip = otio.schema.Clip(plate["shot"], media_reference=media, source_range=shown)
        clip.metadata["shotbridge"] = {"sequence": plate["shot"].partition("_")[0]}
        track.append(clip)
        if number == 0:
            track.append(otio.schema.Gap(source_range=time_range(0, GAP_FRAMES, rate)))
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _build_request(context: CommandContext, shot: Shot, is_demo_cut: bool) -> Request:
    from bridge_core.models.requests import Request

    default = DEMO_SERVICES[shot.id.shot] if is_demo_cut else "upscale"
    service = context.arguments.service or default
    return Request(shot=shot, service=service)


def _approve_version(context: CommandContext, version: Version) -> Version:
    from bridge_core.models.versions import Decision, ReviewStatus

    status, comment = ReviewStatus.APPROVED, "approved by the demo"
    decision = Decision(status=status, comment=comment, content_hash=version.content_hash)
    return context.client.decide(version.id, decision)


def _write_contact_sheet(
    context: CommandContext,
    jobs: Sequence[Job],
    versions: Mapping[str, Version],
    out: Path,
    view: str | None,
) -> str:
    """Write the plates and results of ``versions``, which are by job id; the path."""
    rows = []
    for job in jobs:
        version = versions.get(job.id)
        if version is None:
            continue
        shot = job.request.shot
        frame = shot.cut_range.first + shot.cut_range.count // 2
        outputs = {output.name: output for output in version.outputs}
        matte = outputs.get("matte")
        frames = f"frames {shot.work_range}, cut {shot.cut_range}"
        row = {
            "shot": shot.id.shot,
            "caption": f"{job.request.service}  {version.label}  {frames}",
            "status": str(version.status),
            "frame": frame,
            "plate": shot.plate.path_at(frame),
            "result": _frame_file(version, outputs["main"].pattern, frame),
            "colour_space": outputs["main"].colour_space,
            "matte": _frame_file(version, matte.pattern, frame) if matte else None,
        }
        rows.append(row)
    sheet = {
        "heading": "Shotbridge",
        "subtitle": "plates and results, through the same view",
        "view": view,
        "rows": rows,
    }
    target = str(out / "contact_sheet.png")
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as spec:
        json.dump(sheet, spec)
        spec.flush()
        options = ("--rows", spec.name, "--out", target)
        capture_gateway(context.config.settings, "demo-contact-sheet", *options)
    return target


def _frame_file(version: Version, pattern: str, frame: int) -> str:
    from bridge_core.models.media import frame_path

    return str(Path(version.folder) / frame_path(pattern, frame))


def _summarise(job: Job, version: Version | None) -> dict[str, Any]:
    seconds = None
    if job.started and job.finished:
        seconds = (job.finished - job.started).total_seconds()
    return {
        "id": job.id,
        "shot": str(job.request.shot.id),
        "service": job.request.service,
        "state": str(job.state),
        "version": version.label if version else None,
        "status": str(version.status) if version else None,
        "folder": version.folder if version else None,
        "frames": len(version.frames) if version else 0,
        "seconds": seconds,
    }
