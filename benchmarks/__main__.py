"""Runs the benchmarks of speed in turn, or the named ones: ``python -m benchmarks [NAME ...]``.

Writes the ratios to a page (``build/benchmarks.md``) that is comparable from version to version.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import REPO
from benchmarks._report import RESULTS_VARIABLE, write_page

#: All modules of this package that are not private.
NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
)
#: Measure quality, which only changes with the networks, and take minutes.
QUALITY = ("matte_stability", "upscale_quality")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--page", type=Path, default=REPO / "build" / "benchmarks.md")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    failed = []
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as results:
        environment = {**os.environ, RESULTS_VARIABLE: results.name}
        for name in arguments.names or [name for name in NAMES if name not in QUALITY]:
            print(f"\n== {name}", flush=True)
            # In separate processes, so that one does not affect the memory of the next.
            command = [sys.executable, "-m", f"benchmarks.{name}"]
            if subprocess.run(command, cwd=REPO, env=environment).returncode:
                failed.append(name)
        write_page(Path(results.name), arguments.page, failed)
    print(f"\nwritten to {arguments.page}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
