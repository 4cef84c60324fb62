"""Text that people read, in their language.

``tr`` looks a text up through the function that :func:`install` was given (Qt's translator, see
:mod:`bridge_ui.widgets.main_thread`); without one a text stays as it is written here. Texts are gathered for
translators by ``packaging/translations.py``, so they are written out where they are said.
"""

from __future__ import annotations

from collections.abc import Callable

#: Context under which translation files list our texts.
CONTEXT = "shotbridge"

_lookup: Callable[[str], str] = str


def install(lookup: Callable[[str], str]) -> None:
    """Have texts looked up by ``lookup`` from now on."""
    global _lookup
    _lookup = lookup


def tr(text: str, **values: object) -> str:
    """``tr("{done} of {total} frames", done=3, total=9)``: translated, then filled in."""
    found = _lookup(text)
    return found.format(**values) if values else found


def tr_count(number: int, one: str, many: str) -> str:
    """``counted(3, "{n} frame", "{n} frames")``; both texts are translated."""
    return tr(one if number == 1 else many, n=f"{number:,}".replace(",", "\u2009"))
