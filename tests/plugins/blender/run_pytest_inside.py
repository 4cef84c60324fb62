"""Run by ``run_inside.py``: pytest inside of Blender, with the extension enabled. Takes pytest's
arguments; what the tests print goes to standard output."""

import sys

import pytest

# The conftest files need libraries that Blender's Python does not have.
sys.exit(pytest.main(["-q", "--noconftest", "-p", "no:cacheprovider", *sys.argv[1:]]))
