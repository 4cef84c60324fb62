"""Package metadata, requirements, and the source folder of each import package.

Every import package is called ``bridge_*``. The plugins are not part of the wheel: hosts load them
from their own search paths (``NUKE_PATH``, the Blender extension, Resolve's scripts folder), and a
folder called ``nuke`` on ``sys.path`` would hide Nuke's own module.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

SOURCE_FOLDERS = {
    "bridge_core": "bridge_core",
    "bridge_ui": "ui/bridge_ui",
    "bridge_gateway": "gateway/bridge_gateway",
}

#: OTIO adapters for EDL, FCP XML and AAF.
TIMELINES = [
    "otio-cmx3600-adapter>=1.0",
    "otio-fcp-adapter>=1.0",
    "otio-aaf-adapter>=2.0",
]
GATEWAY = [
    "fastapi>=0.130",
    "uvicorn>=0.33",
    "sqlalchemy>=2.1",
    "alembic>=1.18",
    "dbos==3.4.0",  # pinned: see docs/decisions/0002
    "numpy>=2.0",
    "OpenImageIO>=3.2.2",
    "opencolorio>=2.5",
    "av>=18",
    "onnx>=1.16",
    "onnxruntime>=1.20",
]
DEV = [
    *TIMELINES,
    "build>=1.2",
    "coverage>=7.6",  # make coverage
    "fusionscript-stubs==21.0.0",  # stubs for the fake of Resolve
    "httpx>=0.27",
    "hypothesis>=6.100",
    "mypy>=1.13",
    "otio-mlt-adapter>=0.3",  # with melt, an independent reader of cuts
    "psutil>=6",
    "pypdfium2>=4.30",  # reads PDF reports
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",  # tests in parallel
    "ruff>=0.8",
    "schemathesis>=4",
    "setuptools>=77",
    "types-nuke==13.2.8.*",  # stubs for the fake of Nuke
    "types-PyYAML",
    "types-requests",
    "types-psutil",
]


def _packages() -> tuple[list[str], dict[str, str]]:
    names: list[str] = []
    for package, folder in SOURCE_FOLDERS.items():
        names.append(package)
        names += [f"{package}.{inner}" for inner in find_packages(str(HERE / folder))]
    return names, dict(SOURCE_FOLDERS)


packages, package_dir = _packages()

setup(
    name="shotbridge",
    version="0.1.0",
    description="Send shots to AI services and review the results, in Nuke, Blender and Resolve",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=packages,
    package_dir=package_dir,
    package_data={
        "bridge_core": ["py.typed"],
        "bridge_ui": ["py.typed", "icons/lucide/*", "translations/*.qm"],
        "bridge_gateway": ["py.typed", "inference/*.yaml", "db/migrations/*.mako"],
    },
    install_requires=[
        # 6.12.0 drops a reference to None in every void call on Python 3.11 and aborts the host.
        "PySide6-Essentials>=6.5.3,!=6.12.0",
        "requests>=2.31",
        "pydantic>=2.10",
        "PyYAML>=6.0",
        "opentimelineio>=0.18.1",
    ],
    extras_require={
        "timelines": TIMELINES,
        "gateway": GATEWAY,
        "dev": [*GATEWAY, *DEV],
    },
    entry_points={
        "console_scripts": [
            "shotbridge=bridge_core.cli.main:main",
            "shotbridge-gateway=bridge_gateway.__main__:main",
        ],
        "bridge_gateway.providers": [
            "local=bridge_gateway.providers.local.provider:LocalProvider",
        ],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Plugins",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3.11",
        "Topic :: Multimedia :: Graphics",
        "Typing :: Typed",
    ],
)
