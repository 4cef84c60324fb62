"""Values and lists that notify watchers of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError

T = TypeVar("T")

#: Runs a call on the panel's thread, in order; may be called from any thread.
Post = Callable[[Callable[[], None]], None]
#: Removes a watcher; calling it again does nothing.
Unwatch = Callable[[], None]


def unwatch_all(*unwatch: Unwatch) -> Unwatch:
    """One function that removes several watchers, or ends other things, in this order."""

    def remove() -> None:
        for remove_watcher in unwatch:
            remove_watcher()

    return remove


@dataclass(frozen=True, slots=True)
class ActionState:
    """The part of a controller's state that concerns its last action."""

    busy: bool = False
    """It is still in progress."""
    message: str = ""
    """Its result."""
    problem: str = ""
    """Why it failed."""
    next_step: str = ""

    @property
    def problem_text(self) -> str:
        """Problem and next step; empty if it did not fail."""
        return f"{self.problem}. {self.next_step}" if self.problem else ""


class Watchers(Generic[T]):
    """Callbacks. They may add and remove callbacks and notify again while being notified."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], None]] = {}

    def add(self, callback: Callable[[T], None]) -> Unwatch:
        token = object()
        self._callbacks[token] = callback

        def unwatch() -> None:
            self._callbacks.pop(token, None)

        return unwatch

    def notify(self, value: T, is_current: Callable[[], bool] = lambda: True) -> None:
        """Stops as soon as ``is_current`` returns False. A callback that fails, such as one of a
        page of another package, keeps no other from the value; its error is raised at the end."""
        errors: list[Exception] = []
        for token, callback in list(self._callbacks.items()):
            if token in self._callbacks and is_current():
                try:
                    callback(value)
                except Exception as error:
                    errors.append(error)
        if errors:
            raise errors[0]

    def clear(self) -> None:
        self._callbacks.clear()


class Observable(Generic[T]):
    """A value, usually a frozen dataclass with the state to show."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._watchers: Watchers[T] = Watchers()

    @property
    def value(self) -> T:
        return self._value

    def set(self, value: T) -> None:
        """Set the value and notify, unless it is equal. If a callback sets another value, all are
        notified of that one and none of the older one afterwards."""
        if value == self._value:
            return
        self._value = value
        self._watchers.notify(value, lambda: self._value is value)

    def update(self, **changed: Any) -> None:
        """Set these fields of a value that is a dataclass."""
        self.set(replace(self._value, **changed))  # type: ignore[type-var]

    def show_problem(self, problem: str, next_step: str) -> None:
        """Set why an action failed, in an :class:`ActionState`."""
        self.update(problem=problem, next_step=next_step)

    def show_error(self, error: ShotbridgeError) -> None:
        """End an action that failed, in an :class:`ActionState`."""
        self.update(busy=False, problem=error.message, next_step=error.next_step)

    def remove_watchers(self) -> None:
        self._watchers.clear()

    def watch(self, callback: Callable[[T], None], *, immediately: bool = True) -> Unwatch:
        """Call ``callback`` with every new value and, if ``immediately``, with the current one."""
        unwatch = self._watchers.add(callback)
        if immediately:
            callback(self._value)
        return unwatch


@dataclass(frozen=True, slots=True)
class ListChange:
    """``reset``: other rows or another order. Otherwise the rows at ``positions`` changed, or those
    in ``inserted`` are new."""

    reset: bool = False
    positions: tuple[int, ...] = ()
    inserted: range = range(0)


class ObservableList(Sequence[T]):
    """A list that reports its changes row by row, as a Qt model needs them."""

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
        """Set all rows; use :meth:`update` if none was added, removed or moved."""
        self._rows = list(rows)
        self._watchers.notify(ListChange(reset=True))

    def insert(self, index: int, rows: Sequence[T]) -> None:
        """Insert rows before the one at ``index``."""
        self._rows[index:index] = rows
        self._watchers.notify(ListChange(inserted=range(index, index + len(rows))))

    def update(self, changed: Mapping[int, T]) -> None:
        """Change the rows at these positions; equal rows are not reported."""
        different = {index: row for index, row in changed.items() if self._rows[index] != row}
        for index, row in different.items():
            self._rows[index] = row
        if different:
            self._watchers.notify(ListChange(positions=tuple(sorted(different))))
