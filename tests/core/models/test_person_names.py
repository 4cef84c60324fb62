"""Names that look the same are the same person; a name can be seen."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from bridge_core.models.base import PersonName
from bridge_core.text.person_names import default_person_name

NAME = TypeAdapter(PersonName)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Grace", "Grace"),
        ("  Grace ", "Grace"),
        ("Grace\u00a0", "Grace"),
        ("Gro\u0308\u00dfe", "Gr\u00f6\u00dfe"),
        ("映画 太郎", "映画 太郎"),
        ("🎬", "🎬"),
        # A Persian name with a ZWNJ, a Sinhala one with a ZWJ.
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
    ],
)
def test_names_are_normalised(given: str, name: str) -> None:
    assert NAME.validate_python(given) == name
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize("blank", ["\u200b", "\u00ad", "\u2800", "\u3164", "\u2060", "\u200d"])
def test_invisible_characters_are_refused(blank: str) -> None:
    for name in (blank, f"Grace{blank}", f"Gra{blank}ce", f"{blank}Grace"):
        with pytest.raises(ValidationError, match="invisible characters"):
            NAME.validate_python(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "at least 1 character"),
        (" \t", "must not be blank"),
        ("Grace\n", "control characters"),
        ("\u0301", "visible character"),
        ("a" * 201, "at most 200 characters"),
        ("\ufb2c" * 100, "at most 200 characters"),
    ],
)
def test_other_names_are_refused(name: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        NAME.validate_python(name)


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("artist-7", "artist-7"),
        (" Gro\u0308\u00dfe ", "Gr\u00f6\u00dfe"),
        ("\u200b", ""),
        ("\x07", ""),
    ],
)
def test_a_login_name_is_a_name_if_it_can_be_seen(
    login: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: login)
    assert default_person_name() == name
