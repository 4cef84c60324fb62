#!/bin/sh
# The packages that benchmarks/panel_opening.py compares the panel with, in a virtual environment of
# their own, .cache/benchmark_peers: nothing of Shotbridge's is ever run or tested with them.
# Versions are pinned in benchmark_peers.txt. Calling it again does nothing; PYTHON says which
# Python to use, 3.11 unless told.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../.cache/benchmark_peers
wanted=$here/benchmark_peers.txt

if cmp -s "$wanted" "$folder/installed.txt"; then
    exit 0
fi
rm -rf "$folder"
"${PYTHON:-python3.11}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$wanted"
# Last, so that an interrupted installation is done anew.
cp "$wanted" "$folder/installed.txt"
