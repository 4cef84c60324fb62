"""Shots and requests: ranges, names, fingerprints, submissions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge_core.errors import IncompatibleVersion, InvalidRequest
from bridge_core.models.base import fingerprint, validation_error
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, SourceFile
from bridge_core.models.requests import MatteRegion, Request, ShapeRegion, Submission
from bridge_core.models.shots import Shot, ShotId, sanitise_name, strip_version


def shot(first: int = 1009, last: int = 1032, *, head: int = 8, tail: int = 8) -> Shot:
    return Shot(
        id=ShotId(show="demo", sequence="BBB", shot="BBB_0010"),
        plate=Plate(path="/plates/BBB.%04d.exr", range=FrameRange.of(1001, 1040, 25)),
        cut_range=FrameRange.of(first, last, 25),
        head_handle=head,
        tail_handle=tail,
    )


def request(**changes: object) -> Request:
    facts: dict[str, object] = {"shot": shot(), "service": "upscale"}
    return Request.model_validate({**facts, **changes})


def files(frames: range) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(path=f"/plates/BBB.{f:04d}.exr", frame=f, size=1, mtime_ns=1) for f in frames
    )


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1001, 1040), st.integers(0, 39))
def test_handles_are_limited_by_the_plate(head: int, tail: int, first: int, more: int) -> None:
    last = min(1040, first + more)
    work = shot(first, last, head=head, tail=tail).work_range
    assert (work.first, work.last) == (max(1001, first - head), min(1040, last + tail))


def test_a_cut_beyond_its_plate_is_refused() -> None:
    with pytest.raises(ValidationError, match="1000-1010, but the plate only has 1001-1040"):
        shot(1000, 1010)


def test_cut_range_and_plate_have_the_same_rate() -> None:
    with pytest.raises(ValidationError, match="both must be in plate frames"):
        Shot(
            id=ShotId(show="a", sequence="b", shot="c"),
            plate=Plate(path="/p.%04d.exr", range=FrameRange.of(1, 10, 24)),
            cut_range=FrameRange.of(1, 10, 25),
        )


@pytest.mark.parametrize("name", ["", " a", "a ", ".hidden", "a/b", "a\\b", "a:b", "a\0b", "a."])
def test_invalid_folder_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        ShotId(show=name, sequence="s", shot="c")


@given(st.text(max_size=200))
def test_any_text_can_be_sanitised(text: str) -> None:
    ShotId(show=sanitise_name(text, default="unnamed"), sequence="s", shot="c")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("AB_0010_comp_v012_ada", "AB_0010_comp"),
        ("reel.V3", "reel"),
        ("reel 1 v2 final", "reel 1"),
        ("reel_2", "reel_2"),
        ("a_v2x", "a_v2x"),
        ("_v001", "_v001"),
        ("", ""),
    ],
)
def test_the_version_is_stripped_from_a_work_file(stem: str, name: str) -> None:
    assert strip_version(stem) == name


def test_names_can_be_in_any_script() -> None:
    assert ShotId(show="Füchse", sequence="第一幕", shot="Größe 01").show == "Füchse"


def test_the_fingerprint_depends_on_content_only() -> None:
    one = request(parameters={"a": 1, "b": 2})
    same = Request.model_validate(json.loads(one.model_dump_json()))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) == fingerprint(request(parameters={"b": 2, "a": 1}))
    assert fingerprint(one) != fingerprint(request(parameters={"a": 1, "b": 3}))


def test_test_frames_are_within_the_shot() -> None:
    assert request(test_frames=(1030, 1001)).frames == (1001, 1030)
    assert request(test_frames=(1030,)).is_test_frame and not request().is_test_frame
    for wrong in ((1041,), (1030, 1030)):
        with pytest.raises(ValidationError):
            request(test_frames=wrong)


def test_a_submission_has_a_file_for_each_frame() -> None:
    whole = files(range(1001, 1041))
    assert Submission(request=request(), plate_files=whole)
    with pytest.raises(ValidationError, match="1020"):
        Submission(request=request(), plate_files=whole[:19] + whole[20:])
    with pytest.raises(ValidationError, match="one file only"):
        Submission(request=request(), plate_files=(*whole, whole[0]))


def matte_files(frames: tuple[int | None, ...]) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(path=f"/m/{f}.png", frame=f, size=1, mtime_ns=1) for f in frames)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((), "each matte must have its files"),
        (((1010,),), r"the matte /m/m.%04d.png has no file for frames \[1011\]"),
        (((1010, 1011, 1012),), "files of other frames"),
        (((1010, 1011, 1011),), "files of other frames"),
    ],
)
def test_a_submission_has_a_file_for_each_frame_of_a_matte(
    given: tuple[tuple[int, ...], ...], problem: str
) -> None:
    triangle = ShapeRegion(points=((0, 0), (1, 0), (1, 1)))
    matte = MatteRegion(path="/m/m.####.png", frames=FrameRange.of(1010, 1011, 25))
    one = request(regions=(triangle, matte))
    plate_files = files(range(1001, 1041))
    complete = Submission(
        request=one, plate_files=plate_files, matte_files=(matte_files((1010, 1011)),)
    )
    assert [file.frame for file in complete.files[-2:]] == [1010, 1011]
    with pytest.raises(ValidationError, match=problem):
        Submission(
            request=one,
            plate_files=plate_files,
            matte_files=tuple(matte_files(frames) for frames in given),
        )


def test_a_matte_of_one_picture_is_one_file() -> None:
    one = request(regions=(MatteRegion(path="/m/still.png"),), test_frames=(1010, 1012))
    (matte,) = one.mattes
    assert one.frames_of(matte) == (1010, 1012)
    assert matte.as_plate(one.shot.plate.range).path_at(1012) == "/m/still.png"
    plate_files = files(range(1001, 1041))
    Submission(request=one, plate_files=plate_files, matte_files=(matte_files((1001,)),))
    with pytest.raises(ValidationError, match="must be one file"):
        Submission(request=one, plate_files=plate_files, matte_files=(matte_files((1, 2)),))


@pytest.mark.parametrize(
    "fields", [{"path": "matte.mov"}, {"path": "m.png", "feather": -1}, {"path": "m.%d.%d.png"}]
)
def test_what_cannot_be_a_matte_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        request(regions=({"kind": "matte", **fields},))


def test_regions_of_both_kinds_are_stored() -> None:
    regions = (
        ShapeRegion(points=((0, 0), (1, 0), (1, 1)), title="face"),
        MatteRegion(path="/m/m.%04d.exr", channel="mask.R", feather=2.5),
    )
    one = request(regions=regions)
    assert Request.parse(one.model_dump_json(), where="a file").regions == regions


def test_invalid_input_is_refused_and_reported() -> None:
    with pytest.raises(ValidationError) as caught:
        request(sevrice="upscale")
    error = validation_error(caught.value, label="request")
    assert isinstance(error, InvalidRequest)
    assert "sevrice" in str(error)


def test_a_stored_request_is_read_and_a_newer_one_refused() -> None:
    text = request().model_dump_json()
    assert Request.parse(text, where="outbox") == request()
    with pytest.raises(IncompatibleVersion, match="update Shotbridge"):
        Request.parse(text.replace('"schema_version":1', '"schema_version":99'), where="outbox")
    with pytest.raises(InvalidRequest, match="not a readable request"):
        Request.parse(text[:-5], where="outbox")
