"""The client, the panel, and the plugins for Nuke, Blender and Resolve.

It only sets the environment: nothing is written into any host. See docs/admin.md.
"""

name = "shotbridge"

authors = ["Shotbridge maintainers"]

description = "Send shots to the studio's AI services and review versions, in the host"

tools = ["shotbridge"]

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

    libraries = [
        "requests-2.31+",
        "pydantic-2.10+",
        "PyYAML-6.0+",
        "OpenTimelineIO-0.18.1+",
        # Qt: the studio's choice for this version, and none if the host has its own.
        f"shotbridge_qt==host.{this.version}|==own.{this.version}",
    ]
    if os.environ.get("SHOTBRIDGE_REZ_GATEWAY", "1") != "0":
        libraries.append(f"shotbridge_gateway-{this.version}")
    return libraries


@early()
def variants():
    import os

    # pydantic and OpenTimelineIO have compiled modules for one Python. Nuke 16 and 17 run Python
    # 3.11, so with Nuke in the environment no other is resolved.
    pythons = os.environ.get("SHOTBRIDGE_REZ_PYTHONS", "3.11").split()
    return [[f"python-{one}"] + ([] if one == "3.11" else ["!nuke-16+<18"]) for one in pythons]


def commands():
    import os

    def append(variable, path):
        # Values from the shell are kept, in front; rez would drop them.
        kept = str(getenv(variable)) if defined(variable) else ""
        env[variable].append(path)
        if kept and not str(getenv(variable)).startswith(kept):
            env[variable].prepend(kept)

    env.PATH.prepend("{root}/bin")
    env.PYTHONPATH.append("{root}/python")
    python = os.path.join(resolve.python.root, "bin", "python")
    env.SHOTBRIDGE_PYTHON = python if os.path.exists(python) else "python"
    env.SHOTBRIDGE_PLUGINS = "{root}/plugins"

    append("NUKE_PATH", os.path.join(str(this.root), "plugins", "nuke"))

    if "blender" in resolve:
        # Blender does not select wheels by Python: one folder each. 5.1 was the first with 3.13.
        tag = "cp313" if intersects(resolve.blender, "5.1+") else "cp311"
        extensions = os.path.join(str(this.root), "blender", tag)
        # This variable takes only one folder: a studio's value is kept.
        if os.path.isdir(extensions) and undefined("BLENDER_SYSTEM_EXTENSIONS"):
            env.BLENDER_SYSTEM_EXTENSIONS = extensions
            # For scripts, 4.2 takes one folder, 4.5 and newer take several.
            if undefined("BLENDER_SYSTEM_SCRIPTS") or intersects(resolve.blender, "4.5+"):
                append("BLENDER_SYSTEM_SCRIPTS", os.path.join(extensions, "scripts"))

    # Folders of Resolve's scripting API, from its README; a studio's values are kept.
    folders = {
        "linux": ("/opt/resolve/Developer/Scripting", "/opt/resolve/libs/Fusion/fusionscript.so"),
        "osx": (
            "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
            "/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/"
            "fusionscript.so",
        ),
    }
    api, library = folders[system.platform]
    if undefined("RESOLVE_SCRIPT_API"):
        env.RESOLVE_SCRIPT_API = api
    if undefined("RESOLVE_SCRIPT_LIB"):
        env.RESOLVE_SCRIPT_LIB = library
    env.PYTHONPATH.append(os.path.join(str(getenv("RESOLVE_SCRIPT_API")), "Modules"))


tests = {
    "imports": "python -c 'import bridge_core.client, bridge_core.timeline.cut_reader'",
    "command": "shotbridge --version",
    "plugins": "python -c 'from bridge_core.hosts.plugin_folders import plugin_folder; "
    'plugin_folder("nuke")\'',
    "doctor": "shotbridge doctor",
}
