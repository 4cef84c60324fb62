"""Translation of the panel's texts.

``tr`` looks a text up with the function given to :func:`install` (Qt's translator, see
:mod:`bridge_ui.widgets.main_thread`); without one the text is used as it is.
``packaging/translations.py`` extracts the texts, so they must be literals in the call.
"""

from __future__ import annotations

from collections.abc import Callable

#: Context of our texts in translation files.
CONTEXT = "shotbridge"

_lookup: Callable[[str], str] = str


def set_lookup(lookup: Callable[[str], str]) -> None:
    """Look texts up with ``lookup`` from now on."""
    global _lookup
    _lookup = lookup


def tr(text: str, **values: object) -> str:
    """``tr("{done} of {total} frames", done=3, total=9)``: translated, then filled in."""
    translation = _lookup(text)
    return translation.format(**values) if values else translation


def tr_count(number: int, one: str, many: str) -> str:
    """``tr_count(3, "{n} frame", "{n} frames")``; both texts are translated."""
    return tr(one if number == 1 else many, n=f"{number:,}".replace(",", "\u2009"))
