"""Changing one key in the user's file; everything else is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_core.config import ConfigLayer, load_settings, user_file
from bridge_core.config.user_config import set_user_setting
from bridge_core.errors import ConfigError, NotWritable

FILE = """\
# mine
client:
  retries: 6   # the line is bad here
  user: Ada
work:
    handles: 12
"""


def write_user_file(text: str) -> Path:
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_missing_file_is_created() -> None:
    path = set_user_setting("client.user", "Größe: #1")
    assert path == user_file()
    loaded = load_settings()
    assert loaded.settings.client.user == "Größe: #1"
    assert loaded.origins["client.user"].layer is ConfigLayer.USER
    assert list(path.parent.iterdir()) == [path]


def test_one_value_changes_and_comments_are_kept() -> None:
    path = write_user_file(FILE)
    set_user_setting("client.user", "Grace")
    assert path.read_text(encoding="utf-8") == FILE.replace("user: Ada", 'user: "Grace"')


def test_a_key_is_added_to_its_section_and_removed() -> None:
    path = write_user_file(FILE)
    set_user_setting("client.url", "https://gateway.studio:8080")
    set_user_setting("work.show", "bunny")
    loaded = load_settings().settings
    assert (loaded.client.url, loaded.client.retries) == ("https://gateway.studio:8080", 6)
    assert (loaded.work.show, loaded.work.handles) == ("bunny", 12)
    set_user_setting("client.url", None)
    set_user_setting("work.show", None)
    assert path.read_text(encoding="utf-8") == FILE
    set_user_setting("client.url", None)
    assert path.read_text(encoding="utf-8") == FILE


@pytest.mark.parametrize("text", ["", "# nothing yet", "client:\n", "client:  # mine\n", "work:"])
def test_empty_and_missing_sections_get_the_key(text: str) -> None:
    write_user_file(text)
    set_user_setting("client.user", "Ada")
    assert load_settings().settings.client.user == "Ada"
    set_user_setting("client.user", None)
    assert load_settings().settings.client.user is None


def test_a_file_that_cannot_be_preserved_is_not_edited() -> None:
    path = write_user_file("client: {retries: 6}\n")
    with pytest.raises(ConfigError, match=r"client\.user cannot be changed") as caught:
        set_user_setting("client.user", "Ada")
    assert caught.value.where == str(path)
    assert path.read_text(encoding="utf-8") == "client: {retries: 6}\n"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("client.usr", "Ada", "did you mean client.user"),
        ("client.url", "gateway.studio", "a URL such as"),
        ("work.handles", -1, "from 0 to 1000"),
    ],
)
def test_a_wrong_value_is_never_written(key: str, value: str | int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        set_user_setting(key, value)
    assert not user_file().exists()


def test_an_invalid_file_is_not_edited() -> None:
    path = write_user_file("client:\n  retries: [1\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        set_user_setting("client.user", "Ada")
    assert path.read_text(encoding="utf-8") == "client:\n  retries: [1\n"


def test_an_unwritable_folder_is_reported() -> None:
    user_file().parent.parent.mkdir(parents=True, exist_ok=True)
    user_file().parent.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(NotWritable, match="cannot be written"):
        set_user_setting("client.user", "Ada")
