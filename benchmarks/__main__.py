"""Runs all benchmarks in turn, or the named ones: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import REPO

#: All modules of this package that are not private.
NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(NAMES))
    names = parser.parse_args().names
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    failed = []
    for name in names or NAMES:
        print(f"\n== {name}", flush=True)
        # In separate processes, so that one does not affect the memory of the next.
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=REPO).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
