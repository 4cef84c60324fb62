"""Results: printed, and collected for the page that ``python -m benchmarks`` writes."""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import NamedTuple

import bridge_core

#: Names the file that results are appended to, one JSON object in each line.
RESULTS_VARIABLE = "SHOTBRIDGE_BENCHMARK_RESULTS"


class BenchmarkResult(NamedTuple):
    """A measured value beside its reference, in the same unit."""

    benchmark: str
    measure: str
    value: float
    reference: float
    reference_name: str
    unit: str
    goal: float | None
    """The largest ratio of value to reference that is aimed at; None: none is set."""

    @property
    def ratio(self) -> float:
        return self.value / self.reference

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return f"{self.goal:.2f}" + (" missed" if self.ratio > self.goal else "")


def report(
    benchmark: str,
    measure: str,
    value: float,
    reference: float,
    reference_name: str,
    *,
    unit: str = "ms",
    goal: float | None = None,
) -> None:
    """Print a result, and collect it."""
    result = BenchmarkResult(benchmark, measure, value, reference, reference_name, unit, goal)
    aim = f"   goal {result.verdict}" if result.goal is not None else ""
    print(
        f"{measure:<44} {_number(value)} {unit:<4} {result.ratio:6.2f} of {reference_name}, "
        f"{_number(reference).strip()} {unit}{aim}",
        flush=True,
    )
    if path := os.environ.get(RESULTS_VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(result._asdict()) + "\n")


def write_page(results: Path, page: Path, failed: list[str]) -> None:
    """Write the collected results as Markdown; the same measures in the same order each time, so
    that the pages of two versions can be compared line by line."""
    lines = [
        f"# Benchmarks of Shotbridge {bridge_core.__version__}",
        "",
        f"{date.today().isoformat()}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}. Ratios can "
        "be compared between machines and versions, values cannot.",
        "",
        "| benchmark | measure | value | reference | ratio | goal |",
        "|---|---|---|---|---|---|",
    ]
    for line in results.read_text(encoding="utf-8").splitlines():
        r = BenchmarkResult(**json.loads(line))
        value, reference = _number(r.value).strip(), _number(r.reference).strip()
        lines.append(
            f"| {r.benchmark} | {r.measure} | {value} {r.unit} | {r.reference_name}, {reference} "
            f"{r.unit} | {r.ratio:.2f} | {r.verdict} |"
        )
    lines += ["", *(f"**Failed: {name}.**" for name in failed)]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:8.0f}" if abs(value) >= 100 else f"{value:8.3g}"
