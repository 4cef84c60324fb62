"""``timeline``: shots of a cut, changes between two, versions placed into one, dialects."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.output import plain, table
from bridge_core.cli.sources import add_cut_options, cut_of, cut_rate

if TYPE_CHECKING:
    from bridge_core.cli.call import Call
    from bridge_core.models.shots import Shot
    from bridge_core.timeline.cut import Cut


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    timeline = commands.add_parser("timeline", parents=[common], help="read and write cuts")
    actions = timeline.add_subparsers(dest="action", metavar="ACTION", required=True)

    shots = actions.add_parser("shots", parents=[common], help="the shots of a cut")
    shots.add_argument("cut", type=Path)
    shots.add_argument("--look", action="store_true", help="look on disk which frames exist")
    add_cut_options(shots)
    shots.set_defaults(run=_shots)

    diff = actions.add_parser("diff", parents=[common], help="what changed between two cuts")
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    add_cut_options(diff)
    diff.add_argument(
        "--new-timeline", metavar="NAME", help="which one of the new cut, where it is another"
    )
    diff.set_defaults(run=_diff)

    place = actions.add_parser(
        "place", parents=[common], help="write versions into a cut as further media of its clips"
    )
    place.add_argument("cut", type=Path)
    place.add_argument("-o", "--output", type=Path, required=True)
    add_cut_options(place)
    place.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    place.set_defaults(run=_place)

    export = actions.add_parser(
        "export", parents=[common], help="write a cut in a reader's dialect"
    )
    export.add_argument("cut", type=Path)
    export.add_argument(
        "--for",
        dest="profile",
        default="generic",
        metavar="READER",
        help="generic, resolve, nuke or openrv",
    )
    export.add_argument("-o", "--output", type=Path, required=True)
    export.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    add_cut_options(export)
    export.set_defaults(run=_export)


def _shots(call: Call) -> int:
    from bridge_core.timeline.lookup import look_for_media

    cut = cut_of(call, call.arguments.cut)
    if call.arguments.look:
        cut = look_for_media(cut)
    rows = [
        (
            item.shot.id.shot,
            item.shot.id.sequence,
            item.shot.cut_range,
            f"+{item.shot.cut_range.first - item.shot.work_range.first}"
            f" +{item.shot.work_range.last - item.shot.cut_range.last}",
            item.shot.record_range or "",
            _spell_retime(item.shot),
            item.shot.plate.colour_space or "by rule",
            item.shot.plate.path,
        )
        for item in cut.shots
    ]
    head = ("shot", "sequence", "cut", "handles", "record", "retime", "colour", "plate")
    problems = [f"{p.effect}: {p}" for p in cut.problems]
    call.output.result(
        {
            "cut": str(cut.path),
            "show": cut.show,
            "shots": [{"clip": item.clip, **plain(item.shot)} for item in cut.shots],
            "problems": [
                {
                    "kind": str(p.kind),
                    "what": p.what,
                    "next_step": p.next_step,
                    "clip": p.clip,
                    "track": p.track,
                    "record": plain(p.record),
                    "skipped": p.skipped,
                }
                for p in cut.problems
            ],
        },
        "\n".join(filter(None, [table(head, rows) or "no shots", *problems])),
    )
    return 0


def _spell_retime(shot: Shot) -> str:
    if shot.retime.identity:
        return ""
    return "ramp" if shot.retime.keys else f"{float(shot.retime.speed):.0%}"


def _place(call: Call) -> int:
    cut = cut_of(call, call.arguments.cut)
    result = place_versions(call, cut, call.arguments.output, overwrite=call.arguments.overwrite)
    lines = [f"{shot}  {', '.join(labels)}" for shot, labels in result["placed"].items()]
    call.output.result(result, "\n".join([*lines, result["timeline"]]))
    return 0


def place_versions(
    call: Call, cut: Cut, target: Path, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write every version that the gateway has for the cut's shots into ``target``.

    Returns what ``place --json`` prints: the file, the labels that each shot got, and notes on
    clips that got none, or a version that is shorter than they are.
    """
    from bridge_core.timeline.gathering import gather_versions
    from bridge_core.timeline.writing import write_versions

    found = gather_versions(call.client, cut)
    written = write_versions(cut.source, found.placed, target, show=cut.show, overwrite=overwrite)
    notes = [
        f"left out: {one.shot.shot} {one.version.service} {one.version.label} has frames "
        f"{one.has}, and the cut now shows {one.shows}; send the shot again"
        for one in found.outdated
    ]
    by_clip = {item.clip: item.shot.id for item in cut}
    notes += [
        f"{by_clip[clip].shot} was renamed from {before.shot}, and got its versions: its media and "
        "range are the same"
        for clip, before in found.renamed.items()
    ]
    if found.without:
        shots = ", ".join(item.shot.id.shot for item in found.without)
        notes.append(f"no version was made for {shots}, by the clip's name or by what it shows")
    notes += map(str, written.short)
    for note in notes:
        call.output.say(note)
    names = Counter(which.shot for which in by_clip.values())
    placed = {}
    for clip, versions in found.placed.items():
        which = by_clip[clip]
        name = which.shot if names[which.shot] == 1 else f"{which.sequence}/{which.shot}"
        placed[name] = [
            f"{one.version.service} {one.version.label} ({one.version.status})" for one in versions
        ]
    return {"timeline": str(written.target), "placed": placed, "notes": notes}


def _diff(call: Call) -> int:
    from bridge_core.timeline.changes import ChangeKind, compare

    old = cut_of(call, call.arguments.old)
    new = cut_of(call, call.arguments.new, timeline=call.arguments.new_timeline)
    changes = compare(old, new).changes
    counts = {str(kind): sum(kind in change.kinds for change in changes) for kind in ChangeKind}
    call.output.result(
        {
            "counts": counts,
            "changes": [
                {
                    "kinds": sorted(str(kind) for kind in change.kinds),
                    "old": plain(change.old.shot) if change.old else None,
                    "new": plain(change.new.shot) if change.new else None,
                    "send_again": change.shows_other_pictures,
                }
                for change in changes
            ],
        },
        "\n".join(
            [str(change) for change in changes if ChangeKind.UNCHANGED not in change.kinds]
            + [", ".join(f"{count} {kind}" for kind, count in counts.items() if count)]
        ),
    )
    return 0


def _export(call: Call) -> int:
    from bridge_core.timeline.cut import CutSource
    from bridge_core.timeline.exporting import export

    arguments = call.arguments
    report = export(
        CutSource(arguments.cut, arguments.timeline, cut_rate(call)),
        arguments.output,
        arguments.profile,
        overwrite=arguments.overwrite,
    )
    call.output.result(
        {
            "profile": report.profile,
            "timeline": str(report.target),
            "losses": [
                {"clip": loss.clip, "track": loss.track, "what": loss.what}
                for loss in report.losses
            ],
            "remarks": list(report.remarks),
        },
        f"{report}\n{report.target}".strip(),
    )
    return 0
