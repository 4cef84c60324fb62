"""Untrusted text is parsed within limits, and printed without effects on a terminal."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from bridge_core.cli.output import CommandOutput, format_table
from bridge_core.config import bounded_yaml, load_settings
from bridge_core.errors import ConfigError, InvalidRequest, ShotbridgeError
from bridge_core.models.outbox import OutboxEntry
from bridge_core.models.requests import Request
from bridge_core.models.settings import ClientSettings
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import DecisionRecord
from bridge_core.models.versions import ResultOutput as Pictures
from bridge_core.outbox import Outbox
from bridge_core.text.control_characters import escape_controls

pytestmark = pytest.mark.usefixtures("collector_off")

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)
BOMBS = {
    "aliases": BOMB,
    "aliases as a setting": BOMB + "gateway:\n  media_roots: *a9\n",
    "merges": "a0: &a0 {k: v}\n"
    + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 10)),
    "nested lists": "work: " + "[" * 100_000,
    "nested mappings": "work: " + "{a: " * 50_000,
    "nested by indentation": "".join(" " * i + f"k{i}:\n" for i in range(600)),
    "long": "work:\n" + "  # comment\n" * 30_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_no_configuration_hangs_or_exhausts_memory(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(file))
    begin = time.monotonic()
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_settings()
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_no_other_text_hangs(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        bounded_yaml.load_yaml(text)


def test_ordinary_aliases_are_read() -> None:
    text = "roots: &roots [/a, /b]\ngateway: {media_roots: *roots}\nmore: {<<: {x: 1}, y: 2}\n"
    assert bounded_yaml.load_yaml(text) == {
        "roots": ["/a", "/b"],
        "gateway": {"media_roots": ["/a", "/b"]},
        "more": {"x": 1, "y": 2},
    }


def test_a_variable_with_a_bomb_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__RETRIES", "[" * 100_000)
    with pytest.raises(ConfigError, match="CLIENT__RETRIES"):
        load_settings()


def test_a_deeply_nested_stored_document_is_damaged() -> None:
    with pytest.raises(InvalidRequest, match="not a readable"):
        OutboxEntry.parse("[" * 200_000, where="x")


# --- output

EVIL = "a\x1b]0;title\x07b\x9b31mc\rd\x08e\u202ef\u2028g\x7f"


def _output(*, as_json: bool) -> tuple[CommandOutput, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return CommandOutput(as_json=as_json, stdout=out, stderr=err), out, err


@pytest.mark.parametrize("as_json", [False, True])
def test_no_output_controls_a_terminal(as_json: bool) -> None:
    output, out, err = _output(as_json=as_json)
    output.print_result({"note": EVIL}, f"note\n{EVIL}")
    output.print_message(EVIL)
    output.print_error(ShotbridgeError(EVIL, where=EVIL, next_step=EVIL, details={"x": EVIL}))
    output.progress_bar(EVIL).finish(EVIL)
    printed = out.getvalue() + err.getvalue()
    assert printed.replace("\n", "").isprintable(), ascii(printed)
    if as_json:
        assert json.loads(out.getvalue()) == {"note": EVIL}, "and is unchanged"


def test_line_breaks_do_not_forge_rows() -> None:
    text = format_table(("shot", "note"), [("0010", "fine\n0020  approved"), ("0030", "x")])
    assert len(text.splitlines()) == 3
    assert "fine\\n0020" in text


def test_plain_text_is_not_changed() -> None:
    for text in ("Größe 映画 🎬 फ़िल्म", "a b", "", "it's \\n"):
        assert escape_controls(text) == text


# --- names


@pytest.mark.parametrize(
    "name", ["", " ", "\t", "\n", "\u2003", "Ada\nEve", "Ada\x1b[31m", "a\u202eb"]
)
def test_blank_or_unprintable_names_are_refused(
    name: str, tmp_path: Path, request_of: Request
) -> None:
    with pytest.raises(ValidationError):
        ClientSettings(user=name)
    with pytest.raises(InvalidRequest, match="requested_by"):
        Outbox(tmp_path / "outbox").add(request_of, requested_by=name)
    assert not (tmp_path / "outbox").exists()


def test_a_decision_of_an_earlier_version_can_still_be_read() -> None:
    DecisionRecord.model_validate(
        {"status": "approved", "by": " ", "at": "2026-01-01T00:00:00+00:00"}
    )


@pytest.mark.parametrize("name", ["a\x9bb", "a\u2028b", "a\u202eb", "a\x7fb", "a\nb"])
def test_control_characters_in_shot_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        ShotId(show=name, sequence="sq", shot="sh")


@pytest.mark.parametrize(
    "pattern",
    [
        *("../x.%04d.exr", "/etc/x.exr", "a/../../x.exr", "C:/x.exr", "c:x.exr"),
        *("..\\x.exr", "\\x", "a//b", "", "a\x1bb"),
    ],
)
def test_patterns_stay_inside_their_result(pattern: str) -> None:
    given = {"name": "main", "range": {"first": 1, "last": 2, "rate": "24"}, "depth": "half"}
    more = {"colour_space": "ACEScg", "width": 8, "height": 8, "channels": ["R"]}
    Pictures.model_validate({**given, **more, "pattern": "main/main.%04d.exr"})
    with pytest.raises(ValidationError):
        Pictures.model_validate({**given, **more, "pattern": pattern})
