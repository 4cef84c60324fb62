"""Who makes a call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A person or a program that makes a call. Its name is recorded with jobs, notes, decisions and
    ledger entries.

    See :mod:`bridge_gateway.api.auth.user_header`.
    """

    name: str
