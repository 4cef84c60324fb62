"""Who makes a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True)
class Principal:
    """A person or a program that makes a call. Jobs, notes, decisions and the ledger have its name.

    See :mod:`bridge_gateway.api.auth.principal`.
    """

    name: str
    kind: PrincipalKind = PrincipalKind.USER
    roles: tuple[str, ...] = ()
