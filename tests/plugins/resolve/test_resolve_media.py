"""Reading media properties, including missing and unusual values."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from bridge_resolve.media import ClipMedia, first_file_path, first_frame_number, read_media

CLIP_PROPERTIES = {
    "File Path": "/plates/A/A.[0998-1003].exr",
    "Clip Name": "A",
    "FPS": 23.976,
    "Start TC": "01:00:00:00",
    "Frames": "6",
    "Resolution": "2048x858",
    "Input Color Space": "ACEScg",
}


def media_with(**changed: Any) -> ClipMedia | None:
    answer = {
        name: value for name, value in {**CLIP_PROPERTIES, **changed}.items() if value is not None
    }
    return read_media(SimpleNamespace(GetClipProperty=lambda _: answer))  # type: ignore[arg-type]


def test_all_properties_are_read() -> None:
    media = media_with()
    assert media is not None
    assert media.rate == Fraction(24000, 1001)
    assert (media.start, media.frames) == (86400, 6)
    assert (media.width, media.height) == (2048, 858)
    assert media.properties == {"Input Color Space": "ACEScg", "Input Gamma": "", "IDT": ""}
    assert media.is_readable
    assert first_frame_number(media) == 998
    assert first_file_path(media.path) == "/plates/A/A.0998.exr"


@pytest.mark.parametrize(
    "how",
    [{"Start TC": "01:00:00;00"}, {"Start TC": "01:00:00:00", "Drop frame": "1"}],
)
def test_drop_frame_by_separator_or_property(how: dict[str, str]) -> None:
    media = media_with(**{"FPS": "29.97", "File Path": "/a.mov", **how})
    assert media is not None
    assert media.start == first_frame_number(media) == 107892
    assert media.timecode(media.start + 1800) == "01:01:00;02"


def test_no_drop_frame_at_rates_without_it() -> None:
    media = media_with(**{"Start TC": "01:00:00:00", "Drop frame": "1"})
    assert media is not None
    assert media.timecode(media.start) == "01:00:00:00"


@pytest.mark.parametrize("gone", [{"File Path": ""}, {"File Path": None}, {"FPS": "auto"}])
def test_items_without_a_file_or_rate_are_not_media(gone: dict[str, Any]) -> None:
    assert media_with(**gone) is None


def test_missing_properties_are_allowed() -> None:
    media = media_with(
        **{"Start TC": None, "Resolution": None, "Frames": "", "Input Color Space": None}
    )
    assert media is not None
    assert (media.start, media.frames, media.width, media.height) == (0, 0, 0, 0)
    assert set(media.properties.values()) == {""}


@pytest.mark.parametrize(
    ("path", "codec", "readable"),
    [
        ("/a.mov", "Apple ProRes 422 HQ", True),
        ("/a.MOV", "Apple ProRes RAW", False),
        ("/a.mxf", "Sony X-OCN ST", False),
        ("/a.mxf", "DNxHR HQX", True),
        ("/a.braw", "", False),
        ("/a.R3D", "REDCODE", False),
        ("/drawn/a.png", "PNG", True),
    ],
)
def test_readable_formats(path: str, codec: str, readable: bool) -> None:
    media = media_with(**{"File Path": path, "Video Codec": codec})
    assert media is not None
    assert media.is_readable is readable
