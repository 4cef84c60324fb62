"""The packages that benchmarks/panel_opening.py compares the panel with.

They are installed into their own virtual environment, ``.cache/benchmark_peers``; Shotbridge is
never run or tested with them.
"""

from __future__ import annotations

from tools import CACHE, REPO, environment

if __name__ == "__main__":
    lock = REPO / "packaging" / "requirements-peers.lock"
    print(environment(CACHE / "benchmark_peers", lock))
