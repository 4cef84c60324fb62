"""Checks the results of Resolve's API. A call that fails returns None, False or an empty value and
never a reason: it becomes an error that says what the call was for."""

from __future__ import annotations

from typing import Any, TypeVar

from bridge_core.errors import HostError

T = TypeVar("T")

#: For calls that may fail for any reason.
_DEFAULT_NEXT_STEP = "check that Resolve is still open and shows no dialog, then try again"


def require(
    result: T | None, action: str, *, where: str = "", next_step: str = _DEFAULT_NEXT_STEP
) -> T:
    """The result of a call that must return something.

    :raises HostError: it is None, False or empty.
    """
    empty = isinstance(result, str | list | dict) and not result
    if result is None or result is False or empty:
        raise HostError(f"Resolve did not {action}", where=where, next_step=next_step)
    return result


def has_method(api_object: object, method: str) -> bool:
    """Whether this Resolve has a method. It uses ``dir``: ``getattr`` returns something for any
    name."""
    return method in dir(api_object)


def unsupported_version_error(error: TypeError) -> HostError | None:
    """The error for a TypeError of a method that this Resolve lacks, or of a Resolve that was
    closed: in both cases the method is None."""
    if "'NoneType' object is not callable" not in str(error):
        return None
    return HostError(
        "this Resolve lacks a function that Shotbridge needs, or it was closed",
        next_step="open DaVinci Resolve Studio 18.5 or newer, then try again",
    )


def parse_number(text: Any) -> int:
    """The number in a clip property, which may be text; 0 if there is none."""
    try:
        return int(float(text))
    except (TypeError, ValueError):
        return 0
