"""Names of people, and the login name. Standard library only."""

from __future__ import annotations

import getpass
import unicodedata

from bridge_core.text.control_characters import escape_controls

MAX_NAME_LENGTH = 200

#: Letters and symbols without a glyph: Hangul fillers, the empty Braille pattern.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"

#: ZWNJ and ZWJ, which Persian and Indic names need after a letter or a sign.
_JOINERS = "\u200c\u200d"
_JOINED_CATEGORIES = ("Lo", "Mn", "Mc")


def normalise_person_name(value: str) -> str:
    """The name in NFC without spaces around it: names that look the same are the same person.

    :raises ValueError: it is blank or too long, or has control or invisible characters.
    """
    name = unicodedata.normalize("NFC", value.strip())
    if not name:
        raise ValueError("a name must not be blank")
    if escape_controls(value) != value:
        raise ValueError("a name must not contain control characters")
    if any(map(_is_invisible, name, " " + name)):
        raise ValueError("a name must not contain invisible characters")
    if all(unicodedata.category(character)[0] in "CMZ" for character in name):
        raise ValueError("a name must have a visible character")
    if len(name) > MAX_NAME_LENGTH:  # NFC divides a few characters
        raise ValueError(f"a name must have at most {MAX_NAME_LENGTH} characters")
    return name


def _is_invisible(character: str, before: str) -> bool:
    if character in _JOINERS:
        return unicodedata.category(before) not in _JOINED_CATEGORIES
    return character in _BLANKS or unicodedata.category(character) == "Cf"


def login_name() -> str:
    """The name of the user that this process runs as; empty if the user id has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # ImportError: Windows without USERNAME
        return ""


def default_person_name() -> str:
    """The login name, if it can be the name of a person; else empty."""
    try:
        return normalise_person_name(login_name())
    except ValueError:
        return ""
