"""Colour spaces in each mode of Resolve's colour management."""

from __future__ import annotations

from pathlib import Path

import OpenImageIO as oiio
import PyOpenColorIO as ocio
import pytest
from resolve_sample_project import import_plate

from bridge_core.errors import HostError
from bridge_core.models.settings import ColourSettings
from bridge_resolve.colour_spaces import _ACES_NAMES, _COMBINED_NAMES, _SEPARATE_NAMES

CAMERAS = [
    ("Rec.709 (Scene)", "Camera Rec.709"),
    ("ARRI LogC4", "ARRI LogC4"),
    ("ARRI LogC3", "ARRI LogC3 (EI800)"),
    ("S-Gamut3.Cine/S-Log3", "S-Log3 S-Gamut3.Cine"),
    ("REDWideGamutRGB/Log3G10", "Log3G10 REDWideGamutRGB"),
    ("DaVinci WG/Intermediate", "DaVinci Intermediate WideGamut"),
    ("Blackmagic Design Film Gen 5", "BMDFilm WideGamut Gen5"),
]


@pytest.mark.parametrize("names", [_COMBINED_NAMES, _SEPARATE_NAMES, _ACES_NAMES])
def test_the_gateway_knows_every_name_unless_configured_otherwise(names: dict[str, str]) -> None:
    known = ocio.Config.CreateFromFile(ColourSettings().config).getColorSpaceNames()
    assert set(names.values()) <= set(known)


@pytest.mark.parametrize(("resolve", "space"), CAMERAS)
def test_camera_log_spaces_have_ocio_names(sample, resolve: str, space: str) -> None:
    sample.items[0].GetMediaPoolItem()._properties["Input Color Space"] = resolve
    shot = sample.shot(0)
    assert shot.shot.plate.colour_space == space
    sample.place(shot, sample.version(shot))
    assert sample.items[0]._take.item._properties["Input Color Space"] == resolve


def test_an_unknown_name_is_reported(sample) -> None:
    sample.items[0].GetMediaPoolItem()._properties["Input Color Space"] = "Nikon N-Log"
    scene = sample.host.scene()
    assert scene.shots[0].shot.plate.colour_space is None
    (problem,) = [one for one in scene.problems if one.item_id == scene.shots[0].item_id]
    assert not problem.skipped
    assert "Nikon N-Log" in problem.message


def test_the_projects_default_is_used(sample) -> None:
    sample.items[0].GetMediaPoolItem()._properties["Input Color Space"] = "Project"
    sample.project._settings["colorSpaceInput"] = "ARRI LogC4"
    assert sample.shot(0).shot.plate.colour_space == "ARRI LogC4"


def test_without_colour_management_the_clips_setting_is_ignored(sample) -> None:
    sample.project._settings["colorScienceMode"] = "davinciYRGB"
    scene = sample.host.scene()
    assert [shot.shot.plate.colour_space for shot in scene.shots] == [None, None]
    assert not [one for one in scene.problems if one.item_id]
    sample.place(scene.shots[0], sample.version(scene.shots[0]))


def test_a_camera_file_without_colour_management(sample) -> None:
    sample.project._settings["colorScienceMode"] = "davinciYRGB"
    (problem,) = [one for one in sample.host.scene().problems if one.label == "A001_C003"]
    assert problem.skipped
    assert "without colour management" in problem.message
    assert "Project Settings > Color Management" in problem.next_step


def test_a_camera_file_with_an_output_that_has_no_name(sample) -> None:
    sample.project._settings["colorSpaceOutput"] = "Rec.2100 ST2084"
    (problem,) = [one for one in sample.host.scene().problems if one.label == "A001_C003"]
    assert "Output Color Space, Rec.2100 ST2084," in problem.message
    assert "ACEScg" in problem.next_step


def test_separate_gamut_and_gamma(sample) -> None:
    settings = sample.project._settings
    settings["separateColorSpaceAndGamma"] = "1"
    settings["colorSpaceOutput"] = "Same as Timeline"
    settings["colorSpaceTimeline"], settings["colorSpaceTimelineGamma"] = "ACES (AP1)", "Linear"
    properties = sample.items[0].GetMediaPoolItem()._properties
    properties["Input Color Space"], properties["Input Gamma"] = "ARRI Wide Gamut 4", "ARRI LogC4"
    first, _, raw = sample.host.scene().shots
    assert first.shot.plate.colour_space == "ARRI LogC4"
    assert raw.shot.plate.colour_space == "ACEScg"
    sample.place(raw, sample.version(raw), mode_id="track")
    (over,) = sample.timeline._tracks["video"][1].items
    now = over._take.item._properties
    assert (now["Input Color Space"], now["Input Gamma"]) == ("ACES (AP1)", "Linear")


class AcesTests:
    @pytest.fixture(autouse=True)
    def aces(self, sample) -> None:
        sample.project._use_aces()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "rendered").mkdir()
        return tmp_path / "rendered"

    def test_media_are_what_their_input_transforms_say(self, sample) -> None:
        sample.items[0].GetMediaPoolItem()._properties["IDT"] = "Sony SLog3 SGamut3Cine"
        first, second, _ = sample.host.scene().shots
        assert first.shot.plate.colour_space == "S-Log3 S-Gamut3.Cine"
        assert second.shot.plate.colour_space == "ACES2065-1", "the project's default"
        assert not [one for one in sample.host.scene().problems if one.item_id]

    def test_a_camera_file_is_rendered_scene_linear_whatever_the_display(
        self, sample, folder: Path
    ) -> None:
        raw = sample.shot(2)
        assert raw.needs_render
        assert raw.shot.plate.colour_space == "ACES2065-1"
        *_, last = sample.host.render(raw.item_id, folder)
        made = last.shot.plate
        outputs = [_output(made.path_at(frame)) for frame in made.range.frames()]
        assert set(outputs) == {"No Output Transform"}
        assert sample.project._settings["colorAcesODT"] == "Rec.709 BT.1886"
        assert "colorAcesODT" not in sample.timeline._settings
        sample.place(raw, sample.version(raw))
        assert sample.items[2]._take.item._properties["IDT"] == "No Input Transform", (
            "as it was rendered"
        )

    def test_an_aces_that_compresses_no_gamut(self, sample, folder: Path, monkeypatch) -> None:
        del sample.project._settings["colorAcesGamutCompressType"]
        kind = type(sample.timeline)
        allowed = kind.SetSetting

        def older(self, key: str, value: str) -> bool:
            return key != "colorAcesGamutCompressType" and allowed(self, key, value)

        monkeypatch.setattr(kind, "SetSetting", older)
        *_, last = sample.host.render(sample.shot(2).item_id, folder)
        assert last.shot is not None

    def test_a_resolve_that_says_yes_and_does_nothing(
        self, sample, folder: Path, monkeypatch
    ) -> None:
        monkeypatch.setattr(type(sample.timeline), "SetSetting", lambda self, key, value: True)
        with pytest.raises(HostError, match="colorAcesODT"):
            list(sample.host.render(sample.shot(2).item_id, folder))

    def test_versions_get_their_input_transform(self, sample, tmp_path: Path) -> None:
        plate = import_plate(sample.app, tmp_path / "more", "CD_0010", range(1, 9))
        plate._properties["IDT"] = "ACEScg - CSC"
        clip = sample.app._cut_in(sample.timeline, plate, 93000, 4, 2)
        (shot,) = [one for one in sample.host.scene().shots if one.item_id == clip._id]
        sample.place(shot, sample.version(shot))
        assert clip._take.item._properties["IDT"] == "ACEScg - CSC"


def _output(path: str) -> str:
    return str(oiio.ImageBuf(path).spec().get_string_attribute("output"))
