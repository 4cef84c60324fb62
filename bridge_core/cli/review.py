"""``versions``, ``approve``, ``reject``, ``changes``, ``lineage``, ``fetch``: what came back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.ids import short, version_id
from bridge_core.cli.output import Bar, spell_bytes, table

if TYPE_CHECKING:
    from bridge_core.cli.call import Call
    from bridge_core.models.versions import Lineage, Version


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    versions = commands.add_parser("versions", parents=[common], help="versions of shots")
    versions.add_argument("--sequence")
    versions.add_argument("--shot")
    versions.add_argument("--service")
    versions.set_defaults(run=_versions)

    for name, status, what in (
        ("approve", "approved", "approve a version"),
        ("reject", "rejected", "reject a version"),
        ("changes", "changes requested", "ask for changes on a version"),
    ):
        decide = commands.add_parser(name, parents=[common], help=what)
        decide.add_argument("version", nargs="+", help="ids, or their beginnings; see `versions`")
        decide.add_argument("--comment", default="")
        decide.set_defaults(run=_decide, status=status)

    lineage = commands.add_parser(
        "lineage", parents=[common], help="how a version or a try was made"
    )
    lineage.add_argument("result", help="id; a version's may be its beginning")
    lineage.set_defaults(run=_lineage)

    fetch = commands.add_parser(
        "fetch", parents=[common], help="bring a version's files here, verified"
    )
    fetch.add_argument("version")
    fetch.add_argument("folder", type=Path)
    fetch.set_defaults(run=_fetch)


def _versions(call: Call) -> int:
    arguments = call.arguments
    versions = call.client.versions(
        show=arguments.show,
        sequence=arguments.sequence,
        shot=arguments.shot,
        service=arguments.service,
    )
    call.output.result(versions, _table(versions) or "no versions")
    return 0


def _table(versions: list[Version]) -> str:
    rows = [
        (
            short(version.id),
            version.shot,
            version.service,
            version.label,
            f"{len(version.frames)}",
            version.status,
            version.decisions[-1].by if version.decisions else "",
        )
        for version in versions
    ]
    return table(("version", "shot", "service", "label", "frames", "status", "by"), rows)


def _decide(call: Call) -> int:
    from bridge_core.models.versions import Decision, ReviewStatus

    # All of them are looked up before the first one is decided about.
    wanted = [call.client.version(version_id(call, typed)) for typed in call.arguments.version]
    versions = [
        call.client.decide(
            version.id,
            Decision(
                status=ReviewStatus(call.arguments.status),
                by=call.user,
                comment=call.arguments.comment,
                content_hash=version.content_hash,
            ),
        )
        for version in wanted
    ]
    call.output.result(versions, _table(versions))
    return 0


def _lineage(call: Call) -> int:
    lineage = call.client.lineage(version_id(call, call.arguments.result))
    call.output.result(lineage, _spell_lineage(lineage))
    return 0


def _spell_lineage(lineage: Lineage) -> str:
    request = lineage.request
    lines = [
        f"shot        {request.shot.id}, frames {request.shot.work_range}",
        f"service     {request.service} by {lineage.provider}",
        f"asked by    {lineage.asked_by}, {lineage.created:%Y-%m-%d %H:%M} UTC",
    ]
    lines += [f"parameter   {name} = {value}" for name, value in lineage.parameters.items()]
    lines += [
        f"model       {model.name} {model.version} ({model.licence}), {model.sha256[:12]}"
        for model in lineage.models
    ]
    lines += [f"runtime     {name}: {value}" for name, value in lineage.runtime.items()]
    lines += [f"colour      {words}" for words in lineage.colour]
    lines += [f"warning     {words}" for words in lineage.warnings]
    lines += [f"step        {t.step}: {t.seconds:.2f} s" for t in lineage.timings]
    lines += [f"software    {name} {version}" for name, version in lineage.software.items()]
    lines.append(f"files       {len(lineage.inputs)} in, {len(lineage.outputs)} out")
    return "\n".join(lines)


def _fetch(call: Call) -> int:
    version = call.client.version(version_id(call, call.arguments.version))
    bar: Bar = call.output.bar(f"{version.shot.shot} {version.label}  fetching")

    def got(done: int, total: int) -> None:
        bar.update(done, total, f"{spell_bytes(done)} of {spell_bytes(total)}")

    folder = call.client.fetch(version, call.arguments.folder, progress=got)
    bar.end("done")
    call.output.result({"folder": folder}, str(folder))
    return 0
