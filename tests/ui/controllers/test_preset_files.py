"""Files of presets: complete, also if several panels save at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_ui.send.presets import Preset, PresetStore


def test_two_panels_save_a_preset_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PresetStore(tmp_path / "presets")
    replace, seen = Path.replace, []

    def replace_after_another(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        seen.extend(store.names("upscale"))
        store.save(Preset(service="upscale", name="mine", note="other"))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_after_another)
    store.save(Preset(service="upscale", name="mine", note="last"))
    assert seen == [], "a file that is being written is no preset"
    assert store.load("upscale", "mine").note == "last"
    assert [path.name for path in (tmp_path / "presets" / "upscale").iterdir()] == ["mine.yaml"]
