"""A director at the panel: real mouse and keys, a real gateway, real pictures, small ones."""

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
    """The director works in a process of its own, on a screen of its own where one can be had;
    what came of it is looked at here."""
    why_not = virtual_screen.missing_reason()
    if why_not:
        with capsys.disabled():
            print(f"\nthe director works without a real screen: {why_not}")
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
    assert ("the platform is xcb" in done.stdout) != bool(why_not)

    html = (tmp_path / "review.html").read_text(encoding="utf-8")
    _says(html, "Hold the horizon", "AB_0010", "AB_0020", "approved by Ada Lovelace")
    _says(html, "Lovely", "frame 1002", "Upscale v001", "Matte v001")
    code = re.findall(r'alt="Frame 1002" src="data:image/jpeg;base64,([^"]+)"', html)
    drawn = QImage.fromData(base64.b64decode(code[0]))
    colours = [drawn.pixelColor(drawn.width() * 2 // 5, y) for y in range(drawn.height())]
    orange = [one.red() - one.blue() for one in colours]
    at = drawn.height() // 2
    around = (orange[at - 8] + orange[at + 8]) / 2
    assert max(orange[at - 2 : at + 3]) > around + 15, "the stroke is on the frame"
    with pypdfium2.PdfDocument(tmp_path / "review.pdf") as document:
        pages = [
            document[number].get_textpage().get_text_range() for number in range(len(document))
        ]
    _says(" ".join(pages), "Hold the horizon", "Lovely", "Upscale v001", "Matte v001")

    approved = [v for v in terminal.json("versions") if v["status"] == "approved"]
    [decision] = approved[0]["decisions"]
    assert [v["service"] for v in approved] == ["upscale"]
    assert (decision["by"], decision["comment"]) == ("Ada Lovelace", "Lovely")
    exported = tmp_path / "with versions.otio"
    _says(exported.read_text(encoding="utf-8"), "Hold the horizon")
    carried = {shot.shot.id.shot: shot.versions for shot in read_cut(exported).shots}
    assert {v.service: v.is_active for v in carried["AB_0010"]} == {
        "upscale": True,
        "round_trip": False,
    }
    assert len(carried["AB_0020"]) == 1


def _says(text: str, *words: str) -> None:
    for word in words:
        assert word in text
