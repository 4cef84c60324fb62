"""Whether a version fits a shot, and the plan of a placement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge_core.errors import HostError, TimelineError
from bridge_core.hosts.base import HostShot, Placement, PlacementMode
from bridge_core.hosts.placement_plan import plan_placement
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Proxies, ResultOutput, Version
from bridge_core.version_fit import output_mismatch, require_fitting_output

MODES = (PlacementMode("above", "Above"), PlacementMode("swap", "In its place"))
SHOT_ID = ShotId(show="bunny", sequence="sq010", shot="sh0010")


def _shot(cut: tuple[int, int] = (1005, 1014), shot_id: ShotId = SHOT_ID) -> Shot:
    return Shot(
        id=shot_id,
        plate=Plate(path="/plates/p.%04d.exr", range=FrameRange.of(1001, 1020, 24)),
        cut_range=FrameRange.of(*cut, 24),
    )


def _output(
    name: str = "main",
    frames: tuple[int, int] = (1003, 1016),
    rate: float = 24,
    pattern: str = "main.%04d.exr",
) -> ResultOutput:
    return ResultOutput(
        name=name,
        pattern=pattern,
        range=FrameRange.of(*frames, rate),
        colour_space="ACEScg",
        width=64,
        height=36,
        channels=("R", "G", "B"),
        depth="half",
    )


def _version(*outputs: ResultOutput, shot_id: ShotId = SHOT_ID) -> Version:
    return Version(
        id="version-1",
        shot=shot_id,
        service="upscale",
        job_id="job-1",
        folder="/library/v003",
        frames=(1003,),
        outputs=outputs or (_output(),),
        proxies=Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        created=datetime(2026, 11, 1, tzinfo=UTC),
        requested_by="Ada",
        number=3,
    )


def _plan(version: Version, **placement: Any) -> Any:
    host_shot = HostShot(_shot(), "Read1", "Read 1")
    return plan_placement(
        host_shot, Placement("Read1", version, **placement), MODES, where="comp.nk"
    )


def test_an_output_fits_a_shot_that_it_covers() -> None:
    assert output_mismatch(_output(), _shot()) == ""
    assert output_mismatch(_output(frames=(1005, 1014)), _shot()) == ""


@pytest.mark.parametrize("frames", [(1006, 1014), (1005, 1013), (1020, 1030)])
def test_missing_frames_are_a_mismatch(frames: tuple[int, int]) -> None:
    assert "the cut shows 1005-1014" in output_mismatch(_output(frames=frames), _shot())


def test_another_rate_is_a_mismatch_whatever_the_frames() -> None:
    mismatch = output_mismatch(_output(frames=(1, 5), rate=25), _shot())
    assert mismatch == "has 25 frames per second, the plate 24"


def test_the_caller_chooses_the_error_class() -> None:
    with pytest.raises(TimelineError, match=r"upscale v003 has no output 'matte'") as excinfo:
        require_fitting_output(_version(), "matte", _shot(), where="cut.otio", error=TimelineError)
    assert excinfo.value.where == "cut.otio"
    assert "main" in excinfo.value.next_step
    with pytest.raises(HostError, match="holds frames 1006-1016"):
        require_fitting_output(
            _version(_output(frames=(1006, 1016))), "main", _shot(), where="comp.nk"
        )


def test_a_plan_says_which_files_and_frames_are_shown() -> None:
    plan = _plan(_version())
    assert (plan.mode_id, plan.title) == ("above", "upscale v003")
    assert (plan.folder, plan.path) == (
        Path("/library/v003"),
        str(Path("/library/v003") / "main.%04d.exr"),
    )
    assert plan.frame_offsets == (2, 12)
    assert not plan.is_movie


def test_the_folder_on_this_machine_and_the_named_output_are_used() -> None:
    version = _version(_output(), _output("alpha", pattern="alpha/a.mov"))
    plan = _plan(version, folder=Path("/local"), output="alpha", mode_id="swap")
    assert (plan.mode_id, plan.title) == ("swap", "upscale alpha v003")
    assert plan.path == str(Path("/local/alpha/a.mov"))
    assert plan.is_movie


def test_an_item_that_is_gone_is_refused() -> None:
    with pytest.raises(HostError, match="'Read9' no longer exists") as excinfo:
        plan_placement(None, Placement("Read9", _version()), MODES, where="comp.nk")
    assert excinfo.value.where == "comp.nk"
    assert excinfo.value.next_step


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(HostError, match="no placement mode 'below'") as excinfo:
        _plan(_version(), mode_id="below")
    assert excinfo.value.next_step == "choose one of above, swap"


def test_a_host_may_have_no_placement_modes() -> None:
    host_shot = HostShot(_shot(), "Read1", "Read 1")
    placement = Placement("Read1", _version())
    assert plan_placement(host_shot, placement, (), where="comp.nk").mode_id == ""
    with pytest.raises(HostError, match="no placement mode 'above'") as excinfo:
        plan_placement(host_shot, replace(placement, mode_id="above"), (), where="comp.nk")
    assert "this host has none" in excinfo.value.next_step


OTHER_SHOT = SHOT_ID.model_copy(update={"shot": "sh0020"})


@pytest.mark.parametrize(
    ("version", "placement", "message"),
    [
        (_version(), {"mode_id": "sideways"}, "no placement mode 'sideways'"),
        (_version(shot_id=OTHER_SHOT), {}, "was made for bunny/sq010/sh0020, and Read 1 is"),
        (_version(), {"output": "matte"}, "no output 'matte'"),
        (_version(_output(rate=25)), {}, "has 25 frames per second"),
        (_version(_output(frames=(1, 5))), {}, "holds frames 1-5"),
        # The first problem is the one that is reported.
        (_version(_output(rate=25), shot_id=OTHER_SHOT), {"output": "matte"}, "was made for"),
        (_version(shot_id=OTHER_SHOT), {"mode_id": "sideways"}, "no placement mode"),
    ],
)
def test_what_does_not_fit_is_refused(
    version: Version, placement: dict[str, Any], message: str
) -> None:
    with pytest.raises(HostError, match=message) as excinfo:
        _plan(version, **placement)
    assert excinfo.value.next_step
    assert "comp.nk" in excinfo.value.where
