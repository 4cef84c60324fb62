"""Errors as JSON: in HTTP responses, failed jobs and the outbox."""

from __future__ import annotations

from typing import Self

from pydantic import JsonValue

from bridge_core.errors import ShotbridgeError, from_problem
from bridge_core.models.base import TolerantModel


class Problem(TolerantModel):
    """An error; ``code`` identifies the class in :mod:`bridge_core.errors`."""

    code: str
    message: str
    where: str = ""
    next_step: str = ""
    details: dict[str, JsonValue] = {}

    @classmethod
    def from_error(cls, error: ShotbridgeError) -> Self:
        return cls.model_validate(error.as_problem())

    def to_error(self) -> ShotbridgeError:
        return from_problem(self.model_dump())
