"""``demo`` up to its gateway: which cut it reads, and what a panel opens of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge_core.cli import demo
from bridge_core.cli import main as cli
from bridge_core.cli.context import CommandContext
from bridge_core.cli.output import CommandOutput
from bridge_core.cli.panel import panel_arguments
from bridge_core.errors import InvalidRequest, TimelineError

EDL = str(Path(__file__).parents[1] / "timeline" / "reel.edl")


@pytest.fixture
def gateway_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The calls of the gateway's program, which is not run."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(demo, "capture_gateway", lambda _, *words: calls.append(words) or "")
    return calls


def _panel_arguments(*words: str) -> list[str]:
    context = CommandContext(
        cli.build_parser(["panel", *words]).parse_args(["panel", *words]),
        CommandOutput(as_json=False),
    )
    arguments = panel_arguments(context)
    return arguments[: arguments.index("--set")]


def test_a_cut_is_read_at_the_given_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gateway_calls: Any
) -> None:
    words = ["demo", EDL, "--out", str(tmp_path / "out")]
    assert cli.main(words) == InvalidRequest.exit_code
    captured = capsys.readouterr()
    assert "read at 24" in captured.out + captured.err
    assert cli.main([*words, "--rate", "24"]) == InvalidRequest.exit_code
    captured = capsys.readouterr()
    assert "no shot that can be sent" in captured.err, "its media is on another machine"
    assert "read at 24" not in captured.out + captured.err


def test_an_unknown_timeline_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gateway_calls: Any
) -> None:
    words = ["demo", EDL, "--timeline", "B", "--out", str(tmp_path / "out")]
    assert cli.main(words) == TimelineError.exit_code
    assert "'B'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--rate", "24"], ["--timeline", "A"], [EDL, "--rate", "nonsense"]]
)
def test_options_that_do_not_apply_are_refused_before_anything_is_installed(
    words: list[str], tmp_path: Path, gateway_calls: list[tuple[str, ...]]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["demo", *words, "--out", str(out)]) == InvalidRequest.exit_code
    assert gateway_calls == [] and not out.exists()


def test_a_panel_reads_the_cut_of_a_demo_as_the_demo_did(tmp_path: Path) -> None:
    summary: dict[str, Any] = {"cut": EDL, "settings": {"client.retries": 1}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert _panel_arguments("--demo", str(tmp_path)) == [EDL]
    summary |= {"cut_timeline": "A", "cut_rate": "24000/1001"}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    read_as = ["--timeline", "A", "--rate", "24000/1001"]
    assert _panel_arguments("--demo", str(tmp_path)) == [EDL, *read_as]
    assert _panel_arguments("other.otio", "--demo", str(tmp_path)) == ["other.otio"]
