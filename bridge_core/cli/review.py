"""``versions``, ``approve``, ``reject``, ``changes``, ``lineage``, ``fetch``: review versions."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command, short_id
from bridge_core.cli.output import format_table

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.models.versions import Lineage, Version


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add = partial(add_command, commands, common)
    versions = add("versions", _list_versions, "versions of shots")
    for option in ("--sequence", "--shot", "--service"):
        versions.add_argument(option)

    for name, status, help_text in (
        ("approve", "approved", "approve a version"),
        ("reject", "rejected", "reject a version"),
        ("changes", "changes requested", "ask for changes on a version"),
    ):
        decide = add(name, _decide_versions, help_text)
        decide.add_argument("version", nargs="+", help="ids or their prefixes, see `versions`")
        decide.add_argument("--comment", default="")
        decide.set_defaults(status=status)

    lineage = add("lineage", _show_lineage, "how a version or test frames were made")
    lineage.add_argument("result", help="id; of a version, a prefix is enough")

    fetch = add("fetch", _fetch_version, "download and verify a version's files")
    fetch.add_argument("version")
    fetch.add_argument("folder", type=Path)


def _list_versions(context: CommandContext) -> int:
    given = context.arguments
    versions = context.client.versions(
        show=given.show, sequence=given.sequence, shot=given.shot, service=given.service
    )
    context.output.print_result(versions, _format_versions(versions) or "no versions")
    return 0


def _format_versions(versions: list[Version]) -> str:
    rows = [
        (
            short_id(version.id),
            version.shot,
            version.service,
            version.label,
            f"{len(version.frames)}",
            version.status,
            version.decisions[-1].by if version.decisions else "",
        )
        for version in versions
    ]
    return format_table(("version", "shot", "service", "label", "frames", "status", "by"), rows)


def _decide_versions(context: CommandContext) -> int:
    from bridge_core.models.versions import Decision, ReviewStatus

    # Look up all versions before the first decision is made.
    ids = [context.version_id(prefix) for prefix in context.arguments.version]
    status, comment = ReviewStatus(context.arguments.status), context.arguments.comment
    versions = []
    for version in [context.client.version(version_id) for version_id in ids]:
        decision = Decision(status=status, comment=comment, content_hash=version.content_hash)
        versions.append(context.client.decide(version.id, decision))
    context.output.print_result(versions, _format_versions(versions))
    return 0


def _show_lineage(context: CommandContext) -> int:
    lineage = context.client.lineage(context.version_id(context.arguments.result))
    context.output.print_result(lineage, _format_lineage(lineage))
    return 0


def _format_lineage(lineage: Lineage) -> str:
    request = lineage.request
    lines = [
        f"shot        {request.shot.id}, frames {request.shot.work_range}",
        f"service     {request.service} by {lineage.provider}",
        f"requested   {lineage.created:%Y-%m-%d %H:%M} UTC by {lineage.requested_by}",
    ]
    lines += [f"parameter   {name} = {value}" for name, value in lineage.parameters.items()]
    lines += [
        f"model       {model.name} {model.version} ({model.licence}), {model.sha256[:12]}"
        for model in lineage.models
    ]
    lines += [f"runtime     {name}: {value}" for name, value in lineage.runtime.items()]
    lines += [f"colour      {text}" for text in lineage.colour]
    lines += [f"warning     {text}" for text in lineage.warnings]
    lines += [f"step        {t.step}: {t.seconds:.2f} s" for t in lineage.timings]
    lines += [f"software    {name} {version}" for name, version in lineage.software.items()]
    lines.append(f"files       {len(lineage.inputs)} in, {len(lineage.outputs)} out")
    return "\n".join(lines)


def _fetch_version(context: CommandContext) -> int:
    version = context.client.version(context.version_id(context.arguments.version))
    bar = context.output.progress_bar(f"{version.shot.shot} {version.label}  fetching")
    folder = context.client.fetch(version, context.arguments.folder, progress=bar.update_bytes)
    bar.finish("done")
    context.output.print_result({"folder": folder}, str(folder))
    return 0
