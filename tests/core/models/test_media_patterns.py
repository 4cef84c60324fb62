"""Patterns of sequences, and the conversion to and from file names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import (
    Plate,
    PlateKind,
    detect_pattern,
    file_extension,
    frame_path,
    to_printf_pattern,
)

FOLDERS = st.sampled_from(["", "/plates/sc 010/", "C:\\plates\\", "//server/share/", "/a.b/%d/"])
STEMS = st.from_regex(r"\A[A-Za-zä][A-Za-z0-9ä_-]{0,12}[A-Za-z]\Z")


@given(FOLDERS, STEMS, st.integers(0, 9_999_999), st.integers(1, 8))
def test_a_file_of_a_sequence_gives_its_pattern(
    folder: str, stem: str, number: int, width: int
) -> None:
    name = f"{folder}{stem}.{number:0{width}d}.exr"
    parsed = detect_pattern(name)
    assert parsed is not None
    pattern, frame = parsed
    assert frame == number
    assert frame_path(pattern, frame) == name
    assert pattern.startswith(folder + stem)


@given(FOLDERS, STEMS, st.integers(1, 8), st.sampled_from("#@"))
def test_hashes_are_converted_to_printf(folder: str, stem: str, width: int, mark: str) -> None:
    pattern = to_printf_pattern(f"{folder}{stem}.{mark * width}.exr")
    assert pattern == f"{folder}{stem}.%0{width}d.exr"
    assert to_printf_pattern(pattern) == pattern


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sc_010.1001.exr", ("sc_010.%04d.exr", 1001)),
        ("sc_010_1001.dpx", ("sc_010_%04d.dpx", 1001)),
        ("shot.-010.exr", ("shot.%04d.exr", -10)),
        ("shot-0010.exr", ("shot-%04d.exr", 10)),
        ("0001.png", ("%04d.png", 1)),
        ("/v003/plate.exr", None),
        ("plate", None),
    ],
)
def test_the_last_number_is_the_frame(path: str, expected: tuple[str, int] | None) -> None:
    assert detect_pattern(path) == expected


def test_numbers_in_folders_are_left_alone() -> None:
    assert frame_path("/show/%04d/a.%04d.exr", 7) == "/show/%04d/a.0007.exr"
    assert to_printf_pattern("/show ##/a.mov") == "/show ##/a.mov"


@pytest.mark.parametrize(
    ("path", "ending"),
    [
        ("a.EXR", ".exr"),
        ("C:\\x.y\\plate", ""),
        ("/x.y/plate.MOV", ".mov"),
        (".hidden", ""),
    ],
)
def test_file_extensions(path: str, ending: str) -> None:
    assert file_extension(path) == ending


def test_kinds_of_plates() -> None:
    many, one = FrameRange.of(1001, 1010), FrameRange.of(0, 0)
    assert Plate(path="C:\\p\\a.####.exr", range=many).kind is PlateKind.SEQUENCE
    assert Plate(path="C:\\p.1\\a.MOV", range=many).kind is PlateKind.MOVIE
    assert Plate(path="/p/a.exr", range=one).kind is PlateKind.STILL
    assert Plate(path="/p/a.####.exr", range=many).path_at(1004) == "/p/a.1004.exr"
    assert Plate(path="/p/a.mov", range=many).path_at(1004) == "/p/a.mov"


@pytest.mark.parametrize("path", ["/p/a.%04d.%04d.exr", "/p/a.exr", "/p/\0.%04d.exr", ""])
def test_invalid_plates(path: str) -> None:
    with pytest.raises(ValidationError):
        Plate(path=path, range=FrameRange.of(1001, 1010))
