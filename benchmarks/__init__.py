"""Benchmarks. Results are ratios to a reference that is measured in the same run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

REPO = Path(__file__).parents[1]
#: The folder that ``make models`` installs weights and footage to.
MODELS = Path(os.environ.get("SHOTBRIDGE_TEST_MODELS") or REPO / ".cache" / "models")


def json_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with ``--json``; the description keeps its line breaks."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=raw)
    parser.add_argument("--json", action="store_true")
    return parser


def model_arguments(description: str) -> argparse.Namespace:
    """The arguments of a benchmark of a model: ``models_dir``, ``threads``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--models-dir", type=Path, default=MODELS)
    parser.add_argument("--threads", type=int, default=None)
    return parser.parse_args()
