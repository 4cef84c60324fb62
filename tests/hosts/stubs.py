"""Reads a program's published API stubs, and refuses calls that do not conform to them.

A strict fake consists of the ``.pyi`` files that describe a program, and classes that behave like
it. :func:`conforming` connects them: a public method that is not in the stubs is an error when the
class is defined, and a call that matches no overload, by names, number or types, is an error when
it is made.

The stubs are parsed with ``ast`` and never run. Loose signatures (``*args, **kwargs``) are
tightened by hand with :meth:`Stubs.tighten`, each with its source.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from stub_types import StubClass, Types, last

C = TypeVar("C", bound=type)

_KINDS = inspect.Parameter
_STARS: dict[object, str] = {_KINDS.VAR_POSITIONAL: "*", _KINDS.VAR_KEYWORD: "**"}


class NotInApiError(AttributeError):
    """A name that is not in the stubs."""


class BadCallError(TypeError):
    """A call that matches no signature of the stubs."""


class NotModelledError(AssertionError):
    """Something that the program has, but the fake does not model."""


@dataclass(frozen=True)
class Signature:
    """An overload. ``types`` are the annotations of the stub; parameters without one accept
    anything."""

    name: str
    shape: inspect.Signature
    types: Mapping[str, ast.expr]
    returns: ast.expr | None = None

    def __str__(self) -> str:
        def shown(parameter: inspect.Parameter) -> str:
            stars = _STARS.get(parameter.kind, "")
            kind = self.types.get(parameter.name)
            rest = " = ..." if parameter.default is not _KINDS.empty else ""
            return f"{stars}{parameter.name}{f': {ast.unparse(kind)}' if kind else ''}{rest}"

        return f"{self.name}({', '.join(map(shown, self.shape.parameters.values()))})"

    @property
    def loose(self) -> bool:
        """Whether it is ``(*args, **kwargs)``."""
        kinds = [p.kind for p in self.shape.parameters.values() if p.name != "self"]
        return kinds == [_KINDS.VAR_POSITIONAL, _KINDS.VAR_KEYWORD]


class Stubs(Types):
    """The contents of a program's stubs: ``functions``, ``classes``, ``attributes`` by name.

    ``optional_may_be_left_out``: stubs that write ``Optional[X]`` without a default for parameters
    that callers may leave out. ``constants`` gives values for dotted names in ``Literal[...]``;
    without one, a constant's value is the last part of its name.
    """

    def __init__(
        self,
        *files: Path,
        optional_may_be_left_out: bool = False,
        constants: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(constants or {})
        self.functions: dict[str, tuple[Signature, ...]] = {}
        self.attributes: dict[str, ast.expr] = {}
        self.tightened: dict[str, str] = {}
        """Source of each signature that was written by hand, by name."""
        self._lenient = optional_may_be_left_out
        for file in files:
            self._read(ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))

    # Lookup

    def __contains__(self, name: str) -> bool:
        owner, _, member = name.rpartition(".")
        if owner:
            return self.find(owner, member) is not None or self.attribute(owner, member) is not None
        return name in self.functions or name in self.classes or name in self.attributes

    def find(self, owner: str, method: str) -> tuple[Signature, ...] | None:
        """Overloads of a method, own or inherited; an inherited signature is preferred to a loose
        own one."""
        loose = None
        for stub in self.lineage(owner):
            found = stub.methods.get(method)
            if found and not all(one.loose for one in found):
                return found
            loose = loose or found
        return loose

    def attribute(self, owner: str, name: str) -> ast.expr | None:
        return next((s.attributes[name] for s in self.lineage(owner) if name in s.attributes), None)

    def lineage(self, name: str) -> list[StubClass]:
        """A class and its bases, nearest first; empty for a class that the stubs do not have."""
        stub = self.classes.get(name)
        if stub is None:
            return []
        return [stub, *(inner for base in stub.bases for inner in self.lineage(base))]

    def tighten(self, signatures: str, source: str) -> None:
        """Replace loose signatures, written as in a stub: ``def f(a: int) -> str: ...`` or within
        ``class X:`` (a TypedDict's keys are replaced as a whole). Names that the stubs do not
        have are added; ``source`` documents the change."""
        before = self.functions, self.classes, self.attributes
        self.functions, self.classes, self.attributes = {}, {}, {}
        self._read(ast.parse(signatures))
        functions, classes, attributes = self.functions, self.classes, self.attributes
        self.functions, self.classes, self.attributes = before
        self.functions.update(functions)
        self.attributes.update(attributes)
        self.tightened.update(dict.fromkeys([*functions, *attributes], source))
        for name, stub in classes.items():
            known = self.classes.setdefault(name, StubClass(name, stub.bases))
            known.methods.update(stub.methods)
            known.attributes.update(stub.attributes)
            known.keys, known.optional = stub.keys or known.keys, stub.optional or known.optional
            members = [*stub.methods, *stub.attributes, *(stub.keys or ())]
            self.tightened.update({f"{name}.{member}": source for member in members})

    # Calls

    def bind(
        self,
        signatures: Sequence[Signature],
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> inspect.BoundArguments:
        """The call's arguments bound to the first matching overload.

        :raises BadCallError: no overload matches.
        """
        reasons = []
        for one in signatures:
            try:
                bound = one.shape.bind(*args, **kwargs)
            except TypeError as error:
                reasons.append(f"  {one}: {error}")
                continue
            wrong = self._wrong_argument(one, bound)
            if wrong is None:
                return bound
            reasons.append(f"  {one}: {wrong}")
        name = signatures[0].name
        raise BadCallError(f"{name}() does not take these arguments\n" + "\n".join(reasons))

    def _wrong_argument(self, one: Signature, bound: inspect.BoundArguments) -> str | None:
        for name, value in bound.arguments.items():
            kind = one.types.get(name)
            if kind is None:
                continue
            how = one.shape.parameters[name].kind
            values: Iterable[object] = (value,)
            if how is _KINDS.VAR_POSITIONAL:
                values = value
            elif how is _KINDS.VAR_KEYWORD:
                values = value.values()
            for each in values:
                wrong = self.mismatch(each, kind)
                if wrong:
                    return f"{name}: {wrong}"
        return None

    # Parsing

    def _read(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                found = self.functions.get(node.name, ()) if _overload(node) else ()
                self.functions[node.name] = (*found, self._signature(node))
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = self._class(node)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.attributes[node.target.id] = node.annotation
                self._value(node.target.id, node.value)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._assignment(node.targets[0].id, node.value)

    def _assignment(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and last(value.func) == "TypedDict":
            assert isinstance(value.args[1], ast.Dict)
            pairs = zip(value.args[1].keys, value.args[1].values, strict=True)
            keys = {str(self._constant(key)): kind for key, kind in pairs if key is not None}
            self.classes[name] = StubClass(name, (), keys=keys, optional=_left_out(keys, True))
        elif isinstance(value, ast.Name) and value.id in self.functions:
            self.functions[name] = self.functions[value.id]
        elif not isinstance(value, ast.Call | ast.Constant):
            self.aliases[name] = value

    def _class(self, node: ast.ClassDef) -> StubClass:
        bases = tuple(last(base) for base in node.bases)
        stub = StubClass(node.name, bases)
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                found = stub.methods.get(item.name, ()) if _overload(item) else ()
                stub.methods[item.name] = (*found, self._signature(item))
            elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                stub.attributes[item.target.id] = item.annotation
                self._value(f"{node.name}.{item.target.id}", item.value)
            elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                stub.attributes[item.targets[0].id] = item.value
                self._value(f"{node.name}.{item.targets[0].id}", item.value)
        if "TypedDict" in bases:
            total = not any(
                k.arg == "total" and isinstance(k.value, ast.Constant) and k.value.value is False
                for k in node.keywords
            )
            stub.keys, stub.attributes = stub.attributes, {}
            stub.optional = _left_out(stub.keys, total)
        return stub

    def _value(self, dotted: str, value: ast.expr | None) -> None:
        """A constant's value, if the stub has one."""
        if value is None or (isinstance(value, ast.Constant) and value.value is ...):
            return
        try:
            self.constants.setdefault(dotted, ast.literal_eval(value))
        except ValueError:
            return

    def _signature(self, node: ast.FunctionDef) -> Signature:
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [False] * (len(positional) - len(arguments.defaults))
        defaults += [True] * len(arguments.defaults)
        if self._lenient:
            for at in reversed(range(len(positional))):
                if not defaults[at] and not _is_optional(positional[at].annotation):
                    break
                defaults[at] = True
        parameters, types = [], {}

        def add(arg: ast.arg, kind: Any, default: bool = False) -> None:
            left_out = ... if default else _KINDS.empty
            parameters.append(_KINDS(arg.arg, kind, default=left_out))
            if arg.annotation is not None:
                types[arg.arg] = arg.annotation

        for at, (arg, default) in enumerate(zip(positional, defaults, strict=True)):
            before_slash = at < len(arguments.posonlyargs)
            add(
                arg, _KINDS.POSITIONAL_ONLY if before_slash else _KINDS.POSITIONAL_OR_KEYWORD,
                default,
            )  # fmt: skip
        if arguments.vararg:
            add(arguments.vararg, _KINDS.VAR_POSITIONAL)
        for arg, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            add(arg, _KINDS.KEYWORD_ONLY, given is not None)
        if arguments.kwarg:
            add(arguments.kwarg, _KINDS.VAR_KEYWORD)
        return Signature(node.name, inspect.Signature(parameters), types, node.returns)


def _overload(node: ast.FunctionDef) -> bool:
    return any(last(one) == "overload" for one in node.decorator_list)


def _is_optional(kind: ast.expr | None) -> bool:
    return isinstance(kind, ast.Subscript) and last(kind.value) == "Optional"


def _left_out(keys: Mapping[str, ast.expr], total: bool) -> frozenset[str]:
    def wrapped(kind: ast.expr, word: str) -> bool:
        return isinstance(kind, ast.Subscript) and last(kind.value) == word

    return frozenset(
        key
        for key, kind in keys.items()
        if wrapped(kind, "NotRequired") or not (total or wrapped(kind, "Required"))
    )


def conforming(
    stubs: Stubs, name: str = "", guard: Callable[[str], None] = lambda _: None
) -> Callable[[C], C]:
    """Class decorator: check a fake's class against the stubs' class of the same name, or ``name``.

    Every public method has to be in the stubs, and each call is checked against their overloads;
    before that, ``guard`` is called with ``Class.method``. Names that are in the stubs but not in
    the fake raise :class:`NotModelledError`, others :class:`NotInApiError`. Names that start with
    an underscore belong to the fake.

    :raises NotInApiError: the fake has a public method that is not in the stubs.
    """

    def hold(fake: C) -> C:
        known = name or fake.__name__
        if known not in stubs.classes:
            raise NotInApiError(f"the stubs have no class {known}")
        stubs.kinds[known] = fake
        for method, body in list(vars(fake).items()):
            static = isinstance(body, staticmethod)
            if not (static or inspect.isfunction(body)):
                continue
            if method.startswith("_") and method not in _DUNDERS:
                continue
            signatures = stubs.find(known, method)
            if signatures is None:
                if method == "__init__":
                    continue
                raise NotInApiError(f"{known}.{method} is not in the stubs")
            if static:
                held = _bound(stubs, f"{known}.{method}", signatures, body.__func__, guard)
                setattr(fake, method, staticmethod(held))
            elif method != "__init__" or not all(one.loose for one in signatures):
                setattr(fake, method, _bound(stubs, f"{known}.{method}", signatures, body, guard))

        def missing(self: object, wanted: str) -> Any:
            if not wanted.startswith("_") and f"{known}.{wanted}" in stubs:
                raise NotModelledError(f"{known}.{wanted} exists, and the fake does not do it yet")
            raise NotInApiError(f"{known} has no {wanted!r}")

        type.__setattr__(fake, "__getattr__", missing)
        return fake

    return hold


def conforming_function(
    stubs: Stubs, body: Callable[..., Any], guard: Callable[[str], None] = lambda _: None
) -> Callable[..., Any]:
    """A fake's function, checked against the stubs' function like :func:`conforming`."""
    signatures = stubs.functions.get(body.__name__)
    if signatures is None:
        raise NotInApiError(f"{body.__name__} is not in the stubs")
    return _bound(stubs, body.__name__, signatures, body, guard)


#: Special methods that are checked like other methods.
_DUNDERS = ("__init__", "__getitem__", "__len__", "__enter__", "__exit__")


def _bound(
    stubs: Stubs,
    name: str,
    signatures: Sequence[Signature],
    body: Callable[..., Any],
    guard: Callable[[str], None],
) -> Callable[..., Any]:
    @functools.wraps(body)
    def call(*args: Any, **kwargs: Any) -> Any:
        guard(name)
        stubs.bind(signatures, args, kwargs)
        return body(*args, **kwargs)

    return call
