"""Build media references: file URLs, image sequences, and absolute URLs for relative ones.

OTIO's relative references start at the folder of the file that contains them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge_core.models.media import FRAME_NUMBER_PATTERN
from bridge_core.timeline.document import Document, JsonObject, schema_name
from bridge_core.timeline.media_paths import file_url, is_relative_url, url_to_path


def image_sequence_reference(
    base: str, name: str, first: int, rate: float, common_fields: JsonObject
) -> JsonObject:
    """An ``ImageSequenceReference`` that starts with frame ``first``.

    ``base`` is the folder's URL, ``name`` a file name with its frame number as ``%04d``;
    ``common_fields`` are those that all kinds of references have (:func:`reference_fields`).
    """
    number = FRAME_NUMBER_PATTERN.search(name)
    assert number is not None
    return {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        **common_fields,
        "target_url_base": base,
        "name_prefix": name[: number.start()],
        "name_suffix": name[number.end() :],
        "start_frame": first,
        "frame_step": 1,
        "rate": rate,
        "frame_zero_padding": int(number[1] or 0),
        "missing_frame_policy": "error",
    }


def reference_fields(reference: JsonObject) -> JsonObject:
    """The fields that a reference keeps when it is converted to another kind."""
    return {
        "metadata": reference.get("metadata") or {},
        "name": reference.get("name") or "",
        "available_range": reference.get("available_range"),
        "available_image_bounds": reference.get("available_image_bounds"),
    }


def make_references_absolute(document: Document, target: Path) -> None:
    """Make all relative references of a document absolute if ``target`` is in another folder.

    References that are not files stay unchanged.
    """
    folder = document.path.absolute().parent
    if folder != target.absolute().parent:
        pending: list[Any] = [document.root]
        while pending:
            node = pending.pop()
            if isinstance(node, list):
                pending.extend(node)
            elif isinstance(node, dict):
                _make_absolute(node, folder)
                pending.extend(value for key, value in node.items() if key != "metadata")


def _make_absolute(node: JsonObject, folder: Path) -> None:
    kind = schema_name(node)
    if kind == "ImageSequenceReference":
        base = node.get("target_url_base")
        if is_relative_url(base or "."):
            node["target_url_base"] = file_url(url_to_path(base or ".", folder)) + "/"
    elif kind == "ExternalReference" and node.get("target_url"):
        url = node["target_url"]
        if is_relative_url(url):
            node["target_url"] = file_url(url_to_path(url, folder))
