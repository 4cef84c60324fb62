"""``make test-newest`` and ``make test-oldest``: tests the bounds in setup.py.

Runs the usual tests with the newest versions that setup.py allows, or with the oldest versions of
what Shotbridge requires and the locked test tools, whose bounds concern no user. Indirect
requirements are always the newest that fit. Each run has its own environment under .cache. It needs
an index, so that its result depends on releases of others: it is run by hand, and CONTRIBUTING.md
has the results. Further arguments are passed to pytest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import lock
import pins
from tools import CACHE, PYTHON, REPO, environment_program, pip, run

#: Tests that do not concern the bounds.
LEFT_OUT = (
    # They compare documents with what the locked versions generate.
    "tests/test_documents.py::test_api_reference_is_current",
    "tests/core/config/test_config_loader.py::test_the_document_is_up_to_date",
)
LEFT_OUT_WITH_OLDEST = (
    # PySide6 6.5 is built for NumPy 1 and prints a traceback beside NumPy 2, which only the gateway
    # brings; the panel opens all the same.
    "tests/ui/app/test_panel_command.py::test_it_opens_without_a_gateway_and_ends_on_interrupt",
    "tests/ui/app/test_panel_command.py::"
    "test_a_configuration_that_cannot_be_read_is_reported_in_the_terminal_too",
    # It keeps the last closed panel until the next one opens; these open a single one.
    "tests/ui/app/test_panel_monkey.py::test_nothing_breaks_and_nothing_is_left",
    "tests/ui/app/test_panel_monkey.py::test_nothing_breaks_while_there_is_much_to_review",
)
RESOLUTIONS = {"newest": "highest", "oldest": "lowest-direct"}


def main(which: str, pytest_arguments: list[str]) -> int:
    folder, versions = CACHE / which, CACHE / f"{which}.txt"
    lock.compile_requirements(
        versions,
        _requirements(which),
        *("--resolution", RESOLUTIONS[which], "--upgrade"),
        *("--python-version", PYTHON),
    )
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = environment_program(folder, "python")
    install = (sys.executable, "--python", str(python), "install")
    pip(*install, "--only-binary", ":all:", "--requirement", str(versions))
    own = ("--no-deps", "--no-build-isolation", "--no-index", "--editable", str(REPO))
    pip(*install, *own)
    # Some tests run pip, which no requirement brings.
    pip(*install, "pip")
    print(versions.read_text(encoding="utf-8"), flush=True)
    left_out = (*LEFT_OUT, *(LEFT_OUT_WITH_OLDEST if which == "oldest" else ()))
    deselected = (f"--deselect={test}" for test in left_out)
    tests = (str(python), "-m", "pytest", *deselected, *pytest_arguments)
    models = os.environ.get("SHOTBRIDGE_TEST_MODELS") or str(CACHE / "models")
    variables = {**os.environ, "SHOTBRIDGE_TEST_MODELS": models}
    return subprocess.run(tests, env=variables, cwd=REPO, check=False).returncode


def _requirements(which: str) -> tuple[str, ...]:
    if which == "newest":
        return lock.setup_requirements("dev")
    required = lock.setup_requirements("gateway", "timelines")
    tools = set(map(_name, lock.setup_requirements("dev"))) - set(map(_name, required))
    locked = pins.requirements(lock.DEV.read_text(encoding="utf-8"))
    return (*required, *(pin for pin in locked if _name(pin) in tools))


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
