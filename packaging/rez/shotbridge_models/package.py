"""Weights of the local services, and the demo's footage. Their licences: docs/models.md.

A studio with its own copy on a server sets ``gateway.models_dir`` in its configuration, which
overrides this package, or builds without it.
"""

name = "shotbridge_models"

authors = ["Shotbridge maintainers"]

description = "Weights of Shotbridge's local services, and footage for its demo"

build_command = "python {root}/build.py {install}"

build_requires = ["python-3.11+"]


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return re.search(r'__version__ = "(.+)"', file.read()).group(1)


def commands():
    # First of the site's files, so that the studio's configuration overrides it.
    kept = str(getenv("SHOTBRIDGE_CONFIG")) if defined("SHOTBRIDGE_CONFIG") else ""
    env.SHOTBRIDGE_CONFIG.prepend("{root}/shotbridge.yaml")
    if kept and not str(getenv("SHOTBRIDGE_CONFIG")).endswith(kept):
        env.SHOTBRIDGE_CONFIG.append(kept)
