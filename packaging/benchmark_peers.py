"""The packages that benchmarks/panel_opening.py compares the panel with.

In a virtual environment of their own, .cache/benchmark_peers: Shotbridge itself is never run or
tested with them.
"""

from __future__ import annotations

from tools import CACHE, REPO, environment

if __name__ == "__main__":
    lock = REPO / "packaging" / "requirements-peers.lock"
    print(environment(CACHE / "benchmark_peers", lock))
