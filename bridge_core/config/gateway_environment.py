"""Passes the client's settings to the gateway that it starts, so that both use the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from bridge_core.config.loader import VARIABLE_PREFIX
from bridge_core.models.settings import Settings


def environment_variables(settings: Settings) -> dict[str, str]:
    """Environment variables for all ``gateway`` settings that are not defaults.

    Variables and not ``--set``, because every user of the machine can read a command line, and the
    URL of a database contains its password.
    """
    return dict(_set_variables(settings.gateway, f"{VARIABLE_PREFIX}GATEWAY"))


def _set_variables(section: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name in sorted(section.model_fields_set):
        value = getattr(section, name)
        variable = f"{prefix}__{name.upper()}"
        if isinstance(value, BaseModel):
            yield from _set_variables(value, variable)
        else:
            yield variable, _variable_text(value)


def _variable_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return json.dumps([str(item) for item in value], ensure_ascii=False)
    return str(value)
