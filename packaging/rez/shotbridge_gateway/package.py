"""A local gateway, which the client starts when needed, in a separate process.

Its libraries (numpy, OpenImageIO, onnxruntime and some forty more) are in its own folder and never
on a host's Python path: the environment gets a program and a configuration file.
"""

name = "shotbridge_gateway"

authors = ["Shotbridge maintainers"]

description = "Shotbridge's gateway with its libraries in a separate folder"

tools = ["shotbridge-gateway"]

build_command = "python {root}/build.py {install}"

hashed_variants = True


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return re.search(r'__version__ = "(.+)"', file.read()).group(1)


@early()
def requires():
    import os

    own = os.environ.get("SHOTBRIDGE_REZ_MODELS", "1") != "0"
    return [f"shotbridge_models-{this.version}"] if own else []


@early()
def variants():
    import os

    from rez.system import system

    machine = [f"platform-{system.platform}", f"arch-{system.arch}"]
    pythons = os.environ.get("SHOTBRIDGE_REZ_PYTHONS", "3.11").split()
    return [[*machine, f"python-{one}"] for one in pythons]


def commands():
    import os

    env.PATH.append("{root}/bin")
    python = os.path.join(resolve.python.root, "bin", "python")
    env.SHOTBRIDGE_GATEWAY_PYTHON = python if os.path.exists(python) else "python"
    # First of the site's files, so that the studio's configuration overrides it.
    kept = str(getenv("SHOTBRIDGE_CONFIG")) if defined("SHOTBRIDGE_CONFIG") else ""
    env.SHOTBRIDGE_CONFIG.prepend("{root}/shotbridge.yaml")
    if kept and not str(getenv("SHOTBRIDGE_CONFIG")).endswith(kept):
        env.SHOTBRIDGE_CONFIG.append(kept)


tests = {"about": "shotbridge-gateway about"}
