"""A director uses the panel by mouse and keyboard, with a real gateway and small pictures."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

import pypdfium2
import virtual_screen
from PySide6.QtGui import QImage

from bridge_core.timeline.cut_reader import read_cut

TESTS = Path(__file__).parents[1]


def test_from_a_cut_to_an_approved_version(
    terminal, cut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The director runs in its own process, on a virtual screen if there is one; the results are
    checked here."""
    missing = virtual_screen.missing_reason()
    if missing:
        with capsys.disabled():
            print(f"\nthe panel is tested without a virtual screen: {missing}")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("director.py")), str(cut), str(tmp_path)],
        env={**terminal.environment, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    print(done.stdout, done.stderr, sep="\n")
    assert done.returncode == 0, done.stderr
    assert ("the platform is xcb" in done.stdout) != bool(missing)

    html = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert_contains(html, "Hold the horizon", "AB_0010", "AB_0020", "approved by Ada Lovelace")
    assert_contains(html, "Lovely", "frame 1002", "Upscale v001", "Matte v001")
    data = re.findall(r'alt="Frame 1002" src="data:image/jpeg;base64,([^"]+)"', html)
    image = QImage.fromData(base64.b64decode(data[0]))
    colours = [image.pixelColor(image.width() * 2 // 5, y) for y in range(image.height())]
    orange = [one.red() - one.blue() for one in colours]
    middle = image.height() // 2
    around = (orange[middle - 8] + orange[middle + 8]) / 2
    assert max(orange[middle - 2 : middle + 3]) > around + 15, "the stroke is on the frame"
    with pypdfium2.PdfDocument(tmp_path / "review.pdf") as document:
        pages = [
            document[number].get_textpage().get_text_range() for number in range(len(document))
        ]
    assert_contains(" ".join(pages), "Hold the horizon", "Lovely", "Upscale v001", "Matte v001")

    approved = [v for v in terminal.json("versions") if v["status"] == "approved"]
    [decision] = approved[0]["decisions"]
    assert [v["service"] for v in approved] == ["upscale"]
    assert (decision["by"], decision["comment"]) == ("Ada Lovelace", "Lovely")
    exported = tmp_path / "with versions.otio"
    assert_contains(exported.read_text(encoding="utf-8"), "Hold the horizon")
    versions = {shot.shot.id.shot: shot.versions for shot in read_cut(exported).shots}
    assert {v.service: v.is_active for v in versions["AB_0010"]} == {
        "upscale": True,
        "round_trip": False,
    }
    assert len(versions["AB_0020"]) == 1


def assert_contains(text: str, *parts: str) -> None:
    for part in parts:
        assert part in text
