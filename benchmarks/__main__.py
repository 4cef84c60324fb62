"""Runs every benchmark in turn: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main(wanted: list[str]) -> None:
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    for name in sorted(names):
        if name.startswith("_") or (wanted and name not in wanted):
            continue
        module = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(module, "main"):
            continue
        print(f"\n== {name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        sys.argv = [name]
        module.main()


if __name__ == "__main__":
    main(sys.argv[1:])
