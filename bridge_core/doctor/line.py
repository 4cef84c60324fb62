"""What the doctor found: lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bridge_core.errors import ShotbridgeError


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing, nothing to mend."""
    WRONG = "wrong"
    """Something will not work until ``next_step`` is done."""


@dataclass(frozen=True, slots=True)
class Line:
    section: str
    name: str
    state: State
    says: str
    next_step: str = ""

    @classmethod
    def of(
        cls, error: ShotbridgeError, section: str, name: str, state: State = State.WRONG
    ) -> Line:
        """What is wrong, where, and what to do."""
        says = f"{error.what} ({error.where})" if error.where else error.what
        return cls(section, name, state, says, error.next_step)

    def as_json(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "name": self.name,
            "ok": self.state is not State.WRONG,
            "state": str(self.state),
            "says": self.says,
            "next_step": self.next_step,
        }


def as_text(lines: list[Line]) -> str:
    """The lines under the heads of their sections, for a terminal."""
    signs = {State.OK: "ok", State.NOTE: "- ", State.WRONG: "NO"}
    width = max((len(line.name) for line in lines), default=0)
    told: list[str] = []
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            told += ["", section] if told else [section]
        told.append(f"  {signs[line.state]}  {line.name.ljust(width)}  {line.says}")
        if line.next_step:
            told.append(f"{' ' * (width + 8)}next: {line.next_step}")
    return "\n".join(told)
