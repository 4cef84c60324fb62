"""Errors: their classes, messages, and transport over HTTP and between processes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import pytest

from bridge_core import errors
from bridge_core.models.problems import Problem


def tree(kind: type[errors.ShotbridgeError]) -> Iterator[type[errors.ShotbridgeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


ALL = list(tree(errors.ShotbridgeError))


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ALL]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", ALL)
def test_every_class_says_what_it_means(kind: type[errors.ShotbridgeError]) -> None:
    assert kind.__doc__


@pytest.mark.parametrize("kind", ALL)
def test_an_error_keeps_its_class_over_http_and_between_processes(
    kind: type[errors.ShotbridgeError],
) -> None:
    error = kind("it broke", where="plate.1001.exr", next_step="mend it", details={"n": [1]})
    text = Problem.from_error(error).model_dump_json()
    for back in (Problem(**json.loads(text)).to_error(), pickle.loads(pickle.dumps(error))):
        assert type(back) is kind
        assert (back.message, back.where, back.next_step) == (
            error.message,
            error.where,
            error.next_step,
        )
        assert back.details == error.details


def test_an_unknown_code_keeps_its_message() -> None:
    back = Problem(code="from_the_future", message="the moon is in the way").to_error()
    assert isinstance(back, errors.GatewayError)
    assert "moon" in str(back)


def test_missing_frames_are_listed() -> None:
    error = errors.MissingFrames.of([1009, 1002, 1003, 1004], where="plate.%04d.exr")
    assert "1002-1004, 1009" in str(error)
    assert error.details["frames"] == [1002, 1003, 1004, 1009]


@pytest.mark.parametrize(
    ("frames", "spelled"),
    [([], ""), ([5], "5"), ([-2, -1, 0, 4], "-2-0, 4"), ([3, 3, 1], "1, 3")],
)
def test_frames_are_formatted_as_ranges(frames: list[int], spelled: str) -> None:
    assert errors.format_frames(frames) == spelled
