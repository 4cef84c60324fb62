"""``timeline``: the shots of a cut, the diff of two cuts, placing versions, exports."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command
from bridge_core.cli.output import format_table
from bridge_core.cli.sources import add_cut_options, cut_rate, load_cut

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.models.shots import Shot
    from bridge_core.timeline.cut import Cut


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    timeline = commands.add_parser("timeline", parents=[common], help="read and write cuts")
    actions = timeline.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = partial(add_command, actions, common)

    shots = add("shots", _list_shots, "the shots of a cut")
    shots.add_argument("cut", type=Path)
    shots.add_argument(
        "--check-media", action="store_true", help="check on disk which frames exist"
    )
    add_cut_options(shots)

    diff = add("diff", _print_diff, "what changed between two cuts")
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    add_cut_options(diff)
    diff.add_argument(
        "--new-timeline",
        metavar="NAME",
        help="which timeline of the new cut, where its name differs",
    )

    help_text = "write versions into a cut as further media references of its clips"
    place = add("place", _place_in_cut, help_text)
    export = add("export", _export_timeline, "write a cut for a given reader")
    for command in (place, export):
        command.add_argument("cut", type=Path)
        command.add_argument("-o", "--output", type=Path, required=True)
        command.add_argument(
            "--overwrite", action="store_true", help="replace the output if it exists"
        )
        add_cut_options(command)
    export.add_argument(
        "--for",
        dest="profile",
        default="generic",
        metavar="READER",
        help="generic, resolve, nuke or openrv",
    )


def _list_shots(context: CommandContext) -> int:
    from bridge_core.timeline.media_check import check_media

    cut = load_cut(context, context.arguments.cut)
    if context.arguments.check_media:
        cut = check_media(cut)
    shots = [item.shot for item in cut.shots]
    rows = [
        (
            shot.id.shot,
            shot.id.sequence,
            shot.cut_range,
            f"+{shot.cut_range.first - shot.work_range.first}"
            f" +{shot.work_range.last - shot.cut_range.last}",
            shot.record_range or "",
            _format_retime(shot),
            shot.plate.colour_space or "by rule",
            shot.plate.path,
        )
        for shot in shots
    ]
    headers = ("shot", "sequence", "cut", "handles", "record", "retime", "colour", "plate")
    lines = [format_table(headers, rows) or "no shots"]
    lines += [f"{problem.outcome}: {problem}" for problem in cut.problems]
    problems = [asdict(problem) for problem in cut.problems]
    result = {"cut": cut.path, "show": cut.show, "shots": shots, "problems": problems}
    context.output.print_result(result, "\n".join(lines))
    return 0


def _format_retime(shot: Shot) -> str:
    if shot.retime.is_identity:
        return ""
    return "ramp" if shot.retime.keys else f"{float(shot.retime.speed):.0%}"


def _place_in_cut(context: CommandContext) -> int:
    arguments = context.arguments
    cut = load_cut(context, arguments.cut)
    result = place_gateway_versions(context, cut, arguments.output, overwrite=arguments.overwrite)
    lines = [f"{shot}  {', '.join(labels)}" for shot, labels in result["placed"].items()]
    context.output.print_result(result, "\n".join([*lines, result["timeline"]]))
    return 0


def place_gateway_versions(
    context: CommandContext, cut: Cut, target: Path, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write every version that the gateway has for the cut's shots into ``target``.

    Returns what ``place --json`` prints: the file, the labels placed on each shot, and messages
    about clips without a version or with a version that is shorter than the clip.
    """
    from bridge_core.timeline.version_lookup import find_versions
    from bridge_core.timeline.version_writer import write_versions

    cut_versions = find_versions(context.client, cut)
    written = write_versions(
        cut.source, cut_versions.versions, target, show=cut.show, overwrite=overwrite
    )
    messages = [
        f"skipped: {old.shot.shot} {old.version.service} {old.version.label} has frames "
        f"{old.version_range}, and the cut now shows {old.cut_range}; send the shot again"
        for old in cut_versions.outdated
    ]
    by_clip = {item.clip_id: item.shot.id for item in cut}
    messages += [
        f"{by_clip[clip].shot} was renamed from {previous_shot.shot} and keeps its versions: media "
        "and range are the same"
        for clip, previous_shot in cut_versions.renamed.items()
    ]
    if cut_versions.without_versions:
        shots = ", ".join(item.shot.id.shot for item in cut_versions.without_versions)
        messages.append(f"no version was found for {shots}, by name or by media and range")
    messages += map(str, written.short_versions)
    for message in messages:
        context.output.print_message(message)
    name_counts = Counter(shot_id.shot for shot_id in by_clip.values())
    placed = {}
    for clip, versions in cut_versions.versions.items():
        shot_id = by_clip[clip]
        is_unique = name_counts[shot_id.shot] == 1
        name = shot_id.shot if is_unique else f"{shot_id.sequence}/{shot_id.shot}"
        placed[name] = [
            f"{version.service} {version.label} ({version.status})"
            for version in (item.version for item in versions)
        ]
    return {"timeline": str(written.target), "placed": placed, "messages": messages}


def _print_diff(context: CommandContext) -> int:
    from bridge_core.timeline.diff import ChangeKind, diff_cuts

    old = load_cut(context, context.arguments.old)
    new = load_cut(context, context.arguments.new, timeline=context.arguments.new_timeline)
    changes = diff_cuts(old, new).changes
    counts = {str(kind): sum(kind in change.kinds for change in changes) for kind in ChangeKind}
    result = [
        {
            "kinds": sorted(str(kind) for kind in change.kinds),
            "old": change.old.shot if change.old else None,
            "new": change.new.shot if change.new else None,
            "needs_sending": change.needs_sending,
        }
        for change in changes
    ]
    lines = [str(change) for change in changes if ChangeKind.UNCHANGED not in change.kinds]
    lines.append(", ".join(f"{count} {kind}" for kind, count in counts.items() if count))
    context.output.print_result({"counts": counts, "changes": result}, "\n".join(lines))
    return 0


def _export_timeline(context: CommandContext) -> int:
    from bridge_core.timeline.cut import CutSource
    from bridge_core.timeline.exporter import export_timeline

    given = context.arguments
    source = CutSource(given.cut, given.timeline, cut_rate(context))
    report = export_timeline(source, given.output, given.profile, overwrite=given.overwrite)
    result = {
        "profile": report.profile,
        "timeline": report.target,
        "warnings": [asdict(warning) for warning in report.warnings],
        "limitations": report.limitations,
    }
    context.output.print_result(result, f"{report}\n{report.target}".strip())
    return 0
