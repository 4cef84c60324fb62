"""Resolve's answers. It says None, False or nothing where it cannot do something, and never why:
each such answer becomes an error that tells what was tried."""

from __future__ import annotations

from typing import Any, TypeVar

from bridge_core.errors import HostError

T = TypeVar("T")

#: What may lie behind any refusal.
_DEFAULT_NEXT_STEP = "see whether Resolve is still open and shows no dialog, then try again"


def require(
    result: T | None, action: str, *, where: str = "", next_step: str = _DEFAULT_NEXT_STEP
) -> T:
    """The answer of a call that must give something.

    :raises HostError: it was None, False or empty.
    """
    empty = isinstance(result, str | list | dict) and not result
    if result is None or result is False or empty:
        raise HostError(f"Resolve did not {action}", where=where, next_step=next_step)
    return result


def has_method(thing: object, method: str) -> bool:
    """Whether this Resolve has a call. ``dir`` is asked: for ``getattr`` any name exists."""
    return method in dir(thing)


def unsupported_version_error(error: TypeError) -> HostError | None:
    """A name that this Resolve does not have is None, and calling it a TypeError; so is any of one
    that has been closed."""
    if "'NoneType' object is not callable" not in str(error):
        return None
    return HostError(
        "this Resolve lacks a call that Shotbridge needs, or was closed meanwhile",
        next_step="have DaVinci Resolve Studio 18.5 or newer open, then try again",
    )


def parse_number(text: Any) -> int:
    """A number out of a clip's property, which may be a text; 0 where it says nothing."""
    try:
        return int(float(text))
    except (TypeError, ValueError):
        return 0
