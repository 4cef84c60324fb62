"""Values and lists that others are told of when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")

#: Carries a call over to the panel's thread, in order; may be called from any thread.
Post = Callable[[Callable[[], None]], None]
#: Ends a watch; calling it again does nothing.
Unwatch = Callable[[], None]


class Watchers(Generic[T]):
    """Those who want to be told. Telling, watching and unwatching may happen while telling."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], None]] = {}

    def add(self, callback: Callable[[T], None]) -> Unwatch:
        token = object()
        self._callbacks[token] = callback

        def unwatch() -> None:
            self._callbacks.pop(token, None)

        return unwatch

    def notify(self, value: T, is_current: Callable[[], bool] = lambda: True) -> None:
        """``holds`` says whether the news is still current; else the rest is not told."""
        for mark, callback in list(self._callbacks.items()):
            if mark in self._callbacks and is_current():
                callback(value)

    def clear(self) -> None:
        self._callbacks.clear()


class Observable(Generic[T]):
    """A value, usually a frozen dataclass: a snapshot of what there is to show."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._watchers: Watchers[T] = Watchers()

    @property
    def value(self) -> T:
        return self._value

    def set(self, value: T) -> None:
        """Tell of a new value; an equal one is no news. Where a callback sets another value, all
        are told that one, and nobody the older one afterwards."""
        if value == self._value:
            return
        self._value = value
        self._watchers.notify(value, lambda: self._value is value)

    def remove_watchers(self) -> None:
        """Tell nobody any more."""
        self._watchers.clear()

    def watch(self, callback: Callable[[T], None], *, immediately: bool = True) -> Unwatch:
        """Have ``callback`` told of every new value and, ``at_once``, of the one there is."""
        unwatch = self._watchers.add(callback)
        if immediately:
            callback(self._value)
        return unwatch


@dataclass(frozen=True, slots=True)
class ListChange:
    """``reset``: other rows, or another order. Else those at ``positions`` show something else, or
    those in ``inserted`` are new."""

    reset: bool = False
    positions: tuple[int, ...] = ()
    inserted: range = range(0)


class ObservableList(Sequence[T]):
    """A long list, told of row by row, so that a model can pass on what really changed."""

    def __init__(self) -> None:
        self._rows: list[T] = []
        self._watchers: Watchers[ListChange] = Watchers()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._rows[index]

    def watch(self, callback: Callable[[ListChange], None]) -> Unwatch:
        return self._watchers.add(callback)

    def replace(self, rows: Sequence[T]) -> None:
        """All new rows; where none was added, removed or moved is known by the caller, who then
        uses :meth:`update`."""
        self._rows = list(rows)
        self._watchers.notify(ListChange(reset=True))

    def insert(self, at: int, rows: Sequence[T]) -> None:
        """More rows before the one at ``at``; the others stay as they are."""
        self._rows[at:at] = rows
        self._watchers.notify(ListChange(inserted=range(at, at + len(rows))))

    def update(self, changed: Mapping[int, T]) -> None:
        """Other contents at these positions; rows that are equal to what is there are no news."""
        different = {at: row for at, row in changed.items() if self._rows[at] != row}
        for at, row in different.items():
            self._rows[at] = row
        if different:
            self._watchers.notify(ListChange(positions=tuple(sorted(different))))
