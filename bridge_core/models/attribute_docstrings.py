"""Reads the docstrings of attributes: the string literals below them, which Python discards."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise


def attribute_docstrings(cls: type, root: type = object) -> dict[str, str]:
    """The docstrings of a class's annotated attributes, by name; with those inherited from classes
    below ``root``. Classes without source, or inside of functions, have none."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__[: cls.__mro__.index(root)]):
        inherited = texts.keys() - inspect.get_annotations(base)
        own = _docstrings_in_module(base.__module__).get(base.__qualname__, {})
        texts = {name: texts[name] for name in inherited} | dict(own)
    return texts


@cache
def _docstrings_in_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Those of a module's classes, by the name of the class."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (KeyError, OSError, TypeError):
        return {}
    return {
        node.name: dict(_docstrings_in_class(node))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def _docstrings_in_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, following in pairwise(node.body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
