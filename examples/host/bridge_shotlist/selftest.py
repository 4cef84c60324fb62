"""``shotbridge selftest shotlist``: what only the real host can confirm."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bridge_core.hosts.selftest import BehaviourDiffers, SelfTestCheck, main
from bridge_shotlist.host import ShotListHost


def _list_is_read() -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shots.json"
        file.write_text(json.dumps({"show": "selftest", "shots": []}))
        scene = ShotListHost(file).scene()
    if scene.show != "selftest":
        raise BehaviourDiffers(f"the show is {scene.show}")
    return "an empty list"


CHECKS = [SelfTestCheck("shotlist.read", "A list can be read from a file.", _list_is_read)]

if __name__ == "__main__":
    sys.exit(main("shotlist", lambda: "Shot list 1.0", CHECKS, sys.argv[1:]))
