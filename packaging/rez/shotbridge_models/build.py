"""Called by ``rez build``: copies the weights and footage of ``SHOTBRIDGE_MODELS``, installed by
``shotbridge models install``. Services verify them by hash at every start."""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPO = Path(os.environ["REZ_BUILD_SOURCE_PATH"]).parents[2]
sys.path.insert(0, str(REPO / "packaging"))

from tools import copy_models, make_empty_folder  # noqa: E402  needs the line above


def main(models: Path, install: Path) -> None:
    copy_models(models, install / "models")
    (install / "shotbridge.yaml").write_text("gateway:\n  models_dir: models\n")


if __name__ == "__main__" and sys.argv[1:] == ["install"]:
    chosen = Path(os.environ.get("SHOTBRIDGE_MODELS") or REPO / ".cache" / "models")
    main(chosen, make_empty_folder(Path(os.environ["REZ_BUILD_INSTALL_PATH"])))
