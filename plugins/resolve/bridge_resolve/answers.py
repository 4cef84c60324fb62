"""Resolve's answers. It says None, False or nothing where it cannot do something, and never why:
each such answer becomes an error that tells what was tried."""

from __future__ import annotations

from typing import Any, TypeVar

from bridge_core.errors import HostError

T = TypeVar("T")

#: What may lie behind any refusal.
_LOOK = "see whether Resolve is still open and shows no dialog, then try again"


def ensure(answer: T | None, tried: str, *, where: str = "", next_step: str = _LOOK) -> T:
    """The answer of a call that must give something.

    :raises HostError: it was None, False or empty.
    """
    empty = isinstance(answer, str | list | dict) and not answer
    if answer is None or answer is False or empty:
        raise HostError(f"Resolve did not {tried}", where=where, next_step=next_step)
    return answer


def knows(thing: object, call: str) -> bool:
    """Whether this Resolve has a call. ``dir`` is asked: for ``getattr`` any name exists."""
    return call in dir(thing)


def too_old(error: TypeError) -> HostError | None:
    """A name that this Resolve does not have is None, and calling it a TypeError; so is any of one
    that has been closed."""
    if "'NoneType' object is not callable" not in str(error):
        return None
    return HostError(
        "this Resolve lacks a call that Shotbridge needs, or was closed meanwhile",
        next_step="have DaVinci Resolve Studio 18.5 or newer open, then try again",
    )


def number(text: Any) -> int:
    """A number out of a clip's property, which may be a text; 0 where it says nothing."""
    try:
        return int(float(text))
    except (TypeError, ValueError):
        return 0
