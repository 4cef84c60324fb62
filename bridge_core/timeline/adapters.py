"""Reads every format but OTIO's own JSON with OTIO's adapters, found by its plugin manifests."""

from __future__ import annotations

import json
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge_core.errors import TimelineError
from bridge_core.timeline import edl
from bridge_core.timeline.cut import ProblemKind, Remark

_EXTRA = 'install its reader; in a checkout of Shotbridge: pip install ".[timelines]"'
_FORMATS = {".edl": "EDL", ".xml": "FCP XML", ".aaf": "AAF"}
#: An adapter's module gets a ``print`` of ours while it reads, so only one reads at a time.
_ONE_AT_A_TIME = threading.Lock()


def read_with_adapter(file: Path, rate: Fraction | None) -> tuple[Any, list[Remark]]:
    """OTIO's JSON of a file in another format, and what a person should know about the reading.

    ``rate`` is an EDL's, which the file itself does not give.

    :raises TimelineError: no adapter for its format, or one that cannot read it.
    :raises OSError: the file cannot be read.
    """
    import opentimelineio as otio  # 90 ms, and needed for other people's formats only

    if file.suffix.lower() == ".otioz":
        raise TimelineError(
            "this is a bundle: its media is packed inside, where it cannot be read",
            where=str(file),
            next_step="unpack it (an .otioz is a zip file) and read the content.otio in it",
        )
    data = file.read_bytes()
    try:
        adapter = otio.adapters.from_filepath(str(file))
    except otio.exceptions.NoKnownAdapterForExtensionError as error:
        kind = _FORMATS.get(file.suffix.lower())
        raise TimelineError(
            f"no reader for {kind or file.suffix or 'files without an ending'} is installed",
            where=str(file),
            next_step=_EXTRA if kind else "export the cut as OTIO, EDL, FCP XML or AAF",
        ) from error
    is_edl = adapter.name == "cmx_3600"
    try:
        with _printed(adapter) as lines:
            if is_edl:
                root, remarks = _read_edl(adapter, data, rate)
            elif adapter.name == "fcp_xml":
                root, remarks = _read_fcp_xml(adapter, file, data), []
            else:
                root, remarks = _plain(adapter.read_from_file(str(file))), []
    except Exception as error:  # adapters raise anything
        again = "export the cut again, as OTIO where the host can"
        raise TimelineError(
            f"OTIO's {adapter.name} reader cannot read this: {error or type(error).__name__}",
            where=str(file),
            next_step=f"give the EDL's rate, as --rate 25, or {again}" if is_edl else again,
        ) from error
    return root, remarks + [
        (
            ProblemKind.BROKEN,
            f"OTIO's {adapter.name} reader says: {line}",
            "compare the cut with the host's; export it again, as OTIO where the host can",
        )
        for line in lines
    ]


@contextmanager
def _printed(adapter: Any) -> Iterator[list[str]]:
    """The lines that an adapter prints while it reads; they go to standard error too.

    Standard output belongs to the command, and a host's is not ours to redirect, so the adapter's
    module gets a ``print`` of its own.
    """
    lines: list[str] = []

    def keep(*words: object, sep: str | None = " ", **_: object) -> None:
        line = (" " if sep is None else sep).join(map(str, words)).strip()
        if line:
            lines.append(line)
            if sys.stderr is not None:
                print(line, file=sys.stderr)

    with _ONE_AT_A_TIME:
        names = vars(adapter.module())
        names["print"] = keep
        try:
            yield lines
        finally:
            del names["print"]


def _plain(made: Any) -> Any:
    return json.loads(made.to_json_string())


def _read_edl(adapter: Any, data: bytes, said: Fraction | None) -> tuple[Any, list[Remark]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # names of clips, as older systems write them
    rate, remarks = edl.settle_rate(text, said)
    made = adapter.read_from_string(edl.prepare(text), rate=float(rate))
    remarks += edl.finish(made, rate)
    return _plain(made), remarks


def _read_fcp_xml(adapter: Any, file: Path, data: bytes) -> Any:
    """The adapter keeps only the effect of a filter, and so loses whether it is enabled."""
    tree = ElementTree.fromstring(data)
    switched_off = False
    for one in tree.iter("filter"):
        effect = one.find("effect")
        if effect is not None and (one.findtext("enabled") or "").strip().upper() == "FALSE":
            ElementTree.SubElement(effect, "enabled").text = "FALSE"
            switched_off = True
    if not switched_off:
        return _plain(adapter.read_from_file(str(file)))
    root = _plain(adapter.read_from_string(ElementTree.tostring(tree, encoding="unicode")))
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if str(node.get("OTIO_SCHEMA", "")).startswith("Effect."):
                kept = (node.get("metadata") or {}).get("fcp_xml") or {}
                if kept.get("enabled") == "FALSE":
                    node["enabled"] = False
            waiting.extend(node.values())
    return root
