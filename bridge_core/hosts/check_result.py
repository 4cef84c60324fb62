"""Results of checks: of the doctor, and of a plugin in its host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bridge_core.errors import ShotbridgeError


class CheckStatus(StrEnum):
    OK = "ok"
    INFO = "info"
    """For information; nothing to do."""
    ERROR = "error"
    """A problem, which ``next_step`` solves."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    section: str
    name: str
    status: CheckStatus
    message: str
    next_step: str = ""

    @classmethod
    def ok(cls, section: str, name: str, message: str) -> CheckResult:
        return cls(section, name, CheckStatus.OK, message)

    @classmethod
    def info(cls, section: str, name: str, message: str, next_step: str = "") -> CheckResult:
        return cls(section, name, CheckStatus.INFO, message, next_step)

    @classmethod
    def error(cls, section: str, name: str, message: str, next_step: str) -> CheckResult:
        return cls(section, name, CheckStatus.ERROR, message, next_step)

    @classmethod
    def from_error(cls, error: ShotbridgeError, section: str, name: str) -> CheckResult:
        message = f"{error.message} ({error.where})" if error.where else error.message
        return cls.error(section, name, message, error.next_step)

    def as_json(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "name": self.name,
            "ok": self.status is not CheckStatus.ERROR,
            "status": str(self.status),
            "message": self.message,
            "next_step": self.next_step,
        }


def format_results(results: list[CheckResult]) -> str:
    """The results by section, for a terminal."""
    signs = {CheckStatus.OK: "ok", CheckStatus.INFO: "- ", CheckStatus.ERROR: "NO"}
    width = max((len(line.name) for line in results), default=0)
    text_lines: list[str] = []
    section = ""
    for result in results:
        if result.section != section:
            section = result.section
            text_lines += ["", section] if text_lines else [section]
        text_lines.append(f"  {signs[result.status]}  {result.name.ljust(width)}  {result.message}")
        if result.next_step:
            text_lines.append(f"{' ' * (width + 8)}next: {result.next_step}")
    return "\n".join(text_lines)
