"""Operators and menus: they work or report an error, and never raise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import pytest

from bridge_core.timeline.cut_reader import read_cut


@pytest.fixture
def edit(tmp_path: Path) -> Iterator[sample_file.SampleEdit]:
    yield sample_file.SampleEdit(tmp_path)


class _RecordingLayout:
    """Records what a menu draws."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    def separator(self) -> None:
        self.entries.append(("-", None))

    def label(self, text: str) -> None:
        self.entries.append((text, None))

    def menu(self, name: str) -> None:
        self.entries.append((getattr(bpy.types, name).bl_label, None))

    def operator(self, name: str, text: str = "", icon: str = "") -> Any:
        group, _, verb = name.partition(".")
        assert hasattr(getattr(bpy.ops, group), verb)
        entry = type("Entry", (), {})()
        self.entries.append((text or name, entry))
        return entry


def test_menu_entries() -> None:
    for name, words in {
        "SEQUENCER_MT_strip": ["Send to Shotbridge", "Versions"],
        "SEQUENCER_MT_context_menu": ["Send to Shotbridge", "Versions"],
        "IMAGE_MT_image": ["Send to Shotbridge"],
        "TOPBAR_MT_window": ["Open Shotbridge"],
        "TOPBAR_MT_file_export": ["Cut of the Sequencer (.otio)"],
        "TOPBAR_MT_file_import": ["Cut for the Sequencer (.otio)"],
    }.items():
        menu = type("Menu", (), {"layout": _RecordingLayout()})()
        for draw in getattr(bpy.types, name)._dyn_ui_initialize():
            if draw.__module__.startswith(sample_file.EXTENSION_PACKAGE):
                draw(menu, bpy.context)
        assert [text for text, _ in menu.layout.entries if text != "-"] == words


def test_a_cut_is_exported_and_imported(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    path = tmp_path / "out.otio"
    assert bpy.ops.shotbridge.export_otio(filepath=str(path)) == {"FINISHED"}
    assert [item.clip_name for item in read_cut(path)] == ["A_010", "A_020"]
    sample_file.new_file()
    assert bpy.ops.shotbridge.import_otio(filepath=str(path)) == {"FINISHED"}
    assert {"A_010", "A_020"} <= {strip.name for strip in sample_file.strips()}


def test_errors_are_reported(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    """Blender's Python raises a reported error as a RuntimeError."""
    gone = tmp_path / "gone.otio"
    with pytest.raises(RuntimeError, match="cannot be opened"):
        bpy.ops.shotbridge.import_otio(filepath=str(gone))
    sample_file.new_file()
    with pytest.raises(RuntimeError, match="no strips to export"):
        bpy.ops.shotbridge.export_otio(filepath=str(tmp_path / "out.otio"))


def test_versions_are_listed_and_shown(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    host = sample_file.host()
    item = next(one for one in host.scene().shots if one.label == "A_010")
    for number in (1, 2):
        host.place([sample_file.placement(tmp_path, item, number)])
    bpy.context.scene.sequence_editor.active_strip = sample_file.strips()["A_010 upscale v001"]
    layout = _RecordingLayout()
    sample_file.extension_module("menus")._draw_versions(layout)
    assert [text for text, _ in layout.entries] == ["Plate: A_010", "upscale v002", "upscale v001"]
    for text, entry in layout.entries:
        assert bpy.ops.shotbridge.show_version(strip=entry.strip) == {"FINISHED"}
        names = [
            strip.name
            for strip in sample_file.strips()
            if "upscale" in strip.name and not strip.mute
        ]
        assert names == ([] if text.startswith("Plate") else [f"A_010 {text}"])


def test_outputs_and_modes_of_one_version_are_distinguished(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    from bridge_core.hosts.base import Placement

    host = sample_file.host()
    item = next(one for one in host.scene().shots if one.label == "A_010")
    main = sample_file.placement(tmp_path, item, 1)
    (output,) = main.version.outputs
    both = (output, output.model_copy(update={"name": "alpha"}))
    version = main.version.model_copy(update={"outputs": both})
    for name, mode_id in (("main", "above"), ("alpha", "above"), ("main", "swap")):
        host.place([Placement(item.item_id, version, main.folder, name, mode_id=mode_id)])
    bpy.context.scene.sequence_editor.active_strip = sample_file.strips()["A_010"]
    layout = _RecordingLayout()
    sample_file.extension_module("menus")._draw_versions(layout)
    (_, plate), *entries = layout.entries
    assert [text for text, _ in entries] == [
        "upscale v001 (in its place)",
        "upscale alpha v001",
        "upscale v001",
    ]
    for _, entry in entries:
        assert bpy.ops.shotbridge.show_version(strip=entry.strip) == {"FINISHED"}
        shown = [one for one in sample_file.strips() if "upscale" in one.name and not one.mute]
        assert max(shown, key=lambda one: one.channel).name == entry.strip
    assert len({entry.strip for _, entry in entries}) == 3
    assert plate.strip == ""
