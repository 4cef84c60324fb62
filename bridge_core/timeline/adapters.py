"""Read formats other than OTIO's JSON with OTIO's adapters, as its plugin manifests list them."""

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
from bridge_core.timeline.cut import DocumentProblem, ProblemKind

_INSTALL_ADAPTER = 'install its reader; in a checkout of Shotbridge: pip install ".[timelines]"'
_FORMAT_NAMES = {".edl": "EDL", ".xml": "FCP XML", ".aaf": "AAF"}
_ENABLED_SCHEMAS = frozenset({"Clip", "Effect", "Stack", "Track"})
#: The adapter's module gets our own ``print`` while it reads, so only one reads at a time.
_ADAPTER_LOCK = threading.Lock()


def read_with_adapter(file: Path, rate: Fraction | None) -> tuple[Any, list[DocumentProblem]]:
    """OTIO's JSON of a file in another format, and the problems of reading it.

    ``rate`` is an EDL's, which the file does not give.

    :raises TimelineError: there is no adapter for the format, or it cannot read the file.
    :raises OSError: the file cannot be read.
    """
    import opentimelineio as otio  # takes 90 ms, and is needed for other formats only

    if file.suffix.lower() == ".otioz":
        message = "this is a bundle: its media is packed inside the file and cannot be read"
        next_step = "unpack it (an .otioz is a zip file) and read the content.otio in it"
        raise TimelineError(message, where=str(file), next_step=next_step)
    data = file.read_bytes()
    try:
        adapter = otio.adapters.from_filepath(str(file))
    except otio.exceptions.NoKnownAdapterForExtensionError as error:
        kind = _FORMAT_NAMES.get(file.suffix.lower())
        format_name = kind or file.suffix or "files without an extension"
        message = f"no reader for {format_name} is installed"
        next_step = _INSTALL_ADAPTER if kind else "export the cut as OTIO, EDL, FCP XML or AAF"
        raise TimelineError(message, where=str(file), next_step=next_step) from error
    is_edl = adapter.name == "cmx_3600"
    try:
        with _capture_prints(adapter) as lines:
            if is_edl:
                root, problems = _read_edl(adapter, data, rate)
            elif adapter.name == "fcp_xml":
                root, problems = _read_fcp_xml(adapter, file, data), []
            else:
                root, problems = _to_json(adapter.read_from_file(str(file))), []
    except Exception as error:  # adapters may raise any exception
        next_step = "export the cut again, as OTIO where the host can"
        if is_edl:
            next_step = f"give the EDL's rate, as --rate 25, or {next_step}"
        message = f"OTIO's {adapter.name} reader cannot read this: {error or type(error).__name__}"
        raise TimelineError(message, where=str(file), next_step=next_step) from error
    next_step = "compare the cut with the host's; export it again, as OTIO where the host can"
    for line in lines:
        message = f"OTIO's {adapter.name} reader says: {line}"
        problems.append((ProblemKind.BROKEN, message, next_step))
    return root, problems


@contextmanager
def _capture_prints(adapter: Any) -> Iterator[list[str]]:
    """The lines that an adapter prints while it reads; they go to standard error as well.

    Standard output belongs to the command, and a host's must not be redirected, so the adapter's
    module gets its own ``print``.
    """
    lines: list[str] = []

    def capture(*values: object, sep: str | None = " ", **_: object) -> None:
        line = (" " if sep is None else sep).join(map(str, values)).strip()
        if line:
            lines.append(line)
            if sys.stderr is not None:
                print(line, file=sys.stderr)

    with _ADAPTER_LOCK:
        names = vars(adapter.module())
        names["print"] = capture
        try:
            yield lines
        finally:
            del names["print"]


def _to_json(timeline: Any) -> Any:
    return json.loads(timeline.to_json_string())


def _read_edl(
    adapter: Any, data: bytes, given_rate: Fraction | None
) -> tuple[Any, list[DocumentProblem]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # clip names as written by older systems
    rate, problems = edl.determine_rate(text, given_rate)
    timeline = adapter.read_from_string(edl.preprocess(text), rate=float(rate))
    problems += edl.postprocess(timeline, rate)
    return _to_json(timeline), problems


def _read_fcp_xml(adapter: Any, file: Path, data: bytes) -> Any:
    """Read FCP XML with its disabled items.

    The adapter keeps the state of clips and tracks in their metadata only, and that of filters
    not at all.
    """
    tree = ElementTree.fromstring(data)
    has_disabled_filter = False
    for node in tree.iter("filter"):
        effect = node.find("effect")
        if effect is not None and (node.findtext("enabled") or "").strip().upper() == "FALSE":
            ElementTree.SubElement(effect, "enabled").text = "FALSE"
            has_disabled_filter = True
    if has_disabled_filter:
        root = _to_json(adapter.read_from_string(ElementTree.tostring(tree, encoding="unicode")))
    else:
        root = _to_json(adapter.read_from_file(str(file)))
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            if str(node.get("OTIO_SCHEMA", "")).partition(".")[0] in _ENABLED_SCHEMAS:
                metadata = (node.get("metadata") or {}).get("fcp_xml") or {}
                if str(metadata.get("enabled")).strip().upper() == "FALSE":
                    node["enabled"] = False
            pending.extend(node.values())
    return root
