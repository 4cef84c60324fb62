"""Checks whether a value has the type of a stub's annotation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stubs import Signature


@dataclass
class StubClass:
    name: str
    bases: tuple[str, ...]
    methods: dict[str, tuple[Signature, ...]] = field(default_factory=dict)
    attributes: dict[str, ast.expr] = field(default_factory=dict)
    keys: dict[str, ast.expr] | None = None
    """Of a TypedDict."""
    optional: frozenset[str] = frozenset()
    """Keys of a TypedDict that may be left out."""


class Types:
    """Resolves names in annotations: the stubs' ``classes`` and ``aliases``, the values of their
    ``constants``, and the fake's classes (``kinds``)."""

    def __init__(self, constants: Mapping[str, object]) -> None:
        self.classes: dict[str, StubClass] = {}
        self.aliases: dict[str, ast.expr] = {}
        self.constants: dict[str, object] = dict(constants)
        self.kinds: dict[str, type] = {}

    def mismatch(self, value: object, kind: ast.expr) -> str | None:
        """Why a value does not have an annotation's type; None if it does. Types that the stubs do
        not describe accept everything."""
        if isinstance(kind, ast.Constant):
            if kind.value is None:
                return None if value is None else f"{value!r} is not None"
            if isinstance(kind.value, str):  # a forward reference
                return self.mismatch(value, ast.parse(kind.value, mode="eval").body)
            return None
        if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
            return self._none_of(value, (kind.left, kind.right))
        if isinstance(kind, ast.Subscript):
            inner = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
            return self._generic(value, last(kind.value), inner)
        if isinstance(kind, ast.List):  # "[X]" stands for a list of X in some stubs
            return self._generic(value, "List", kind.elts)
        if isinstance(kind, ast.Name | ast.Attribute):
            return self._named(value, last(kind))
        return None

    def _none_of(self, value: object, kinds: Iterable[ast.expr]) -> str | None:
        reasons = [self.mismatch(value, kind) for kind in kinds]
        return None if None in reasons else " and ".join(r for r in reasons if r)

    def _generic(self, value: object, name: str, inner: Sequence[ast.expr]) -> str | None:
        if name == "Optional":
            return None if value is None else self.mismatch(value, inner[0])
        if name == "Union":
            return self._none_of(value, inner)
        if name == "Literal":
            allowed = [self._constant(one) for one in inner]
            fits = any(value == one and type(value) is type(one) for one in allowed)
            return None if fits else f"{value!r} is none of {allowed}"
        if name in ("Annotated", "Final", "ClassVar", "NotRequired", "Required"):
            return self.mismatch(value, inner[0])
        wrong = self._named(value, name)
        if wrong or not inner:
            return wrong
        if name in ("List", "list", "Set", "set", "Sequence", "Iterable"):
            assert isinstance(value, Iterable)
            return next((w for one in value if (w := self.mismatch(one, inner[0]))), None)
        if name in ("Dict", "dict", "Mapping") and len(inner) == 2:
            assert isinstance(value, Mapping)
            pairs = [(k, inner[0]) for k in value] + [(v, inner[1]) for v in value.values()]
            return next((w for one, kind in pairs if (w := self.mismatch(one, kind))), None)
        if name in ("Tuple", "tuple"):
            return self._tuple(value, inner)
        return None

    def _tuple(self, value: object, inner: Sequence[ast.expr]) -> str | None:
        assert isinstance(value, tuple)
        if len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...:
            inner = [inner[0]] * len(value)
        if len(inner) != len(value):
            return f"{value!r} holds {len(value)} things, not {len(inner)}"
        pairs = zip(value, inner, strict=True)
        return next((w for one, kind in pairs if (w := self.mismatch(one, kind))), None)

    def _named(self, value: object, name: str) -> str | None:
        if name in self.aliases:
            return self.mismatch(value, self.aliases[name])
        stub = self.classes.get(name)
        if stub is not None and stub.keys is not None:
            return self._typed_dict(value, stub)
        wanted = _PLAIN.get(name) or self.kinds.get(name)
        if wanted is None or isinstance(value, wanted):
            return None
        return f"{value!r} is no {name}"

    def _typed_dict(self, value: object, stub: StubClass) -> str | None:
        if not isinstance(value, dict):
            return f"{value!r} is no {stub.name}"
        assert stub.keys is not None
        unknown = [key for key in value if key not in stub.keys]
        missing = [key for key in stub.keys if key not in value and key not in stub.optional]
        if unknown or missing:
            return f"{stub.name} has no key {unknown}" if unknown else f"key {missing} is missing"
        return next(
            (f"{k}: {w}" for k, v in value.items() if (w := self.mismatch(v, stub.keys[k]))), None
        )

    def _constant(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name | ast.Attribute):
            dotted = ast.unparse(node)
            return self.constants.get(dotted, dotted.rpartition(".")[2])
        return ast.literal_eval(node)


def last(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return ast.unparse(node).rpartition(".")[2]


_PLAIN: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": (bool, int),
    "bytes": bytes,
    "dict": dict,
    "Dict": dict,
    "Mapping": Mapping,
    "list": list,
    "List": list,
    "set": (set, frozenset),
    "Set": (set, frozenset),
    "tuple": tuple,
    "Tuple": tuple,
    "Sequence": Sequence,
    "Iterable": Iterable,
    "Callable": Callable,
}
