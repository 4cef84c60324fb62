"""Checks the results of Resolve's API. A call that fails returns None, False or an empty value and
never a reason: it becomes an error that says what the call was for."""

from __future__ import annotations

from typing import TypeVar

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
