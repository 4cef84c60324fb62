"""Inside Blender: answers questions from outside on Blender's main thread, and counts its time.

Started as ``blender FILE --python driver.py -- PORT_FILE``. One line is one question: a JSON text
of Python, run with what stands below; the value of ``answer`` goes back as JSON. Nothing is done
for a person here: clicks come from outside, through the X server.
"""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import bpy

MODULE = "bl_ext.user_default.shotbridge"
_questions: queue.Queue[tuple[str, queue.Queue[str]]] = queue.Queue()

#: Seconds between one tick of a timer of 10 ms and the next, since :func:`count_anew`.
gaps: list[float] = []
#: Seconds that each of our turns took Blender's main thread, and seconds that it worked in them:
#: the rest is waiting for a processor or for another thread.
turns: list[float] = []
works: list[float] = []
opening: dict[str, float] = {}
_last = 0.0


def part(name: str) -> Any:
    """A module of the extension as it is now: enabling it again makes new ones."""
    return sys.modules[f"{MODULE}.bridge_blender.{name}"]


def panel() -> Any:
    window = part("window")._window
    return window and window._panel


def window_on_screen() -> Any:
    return part("window")._window


def spot(widget: Any, at: Any = None) -> list[int]:
    """The middle of a widget, or a point in it, in pixels of the screen."""
    point = widget.mapToGlobal(at or widget.rect().center())
    return [point.x(), point.y()]


def named(name: str) -> Any:
    """A visible widget of the panel by its object name."""
    from PySide6.QtWidgets import QWidget

    return next(w for w in panel().findChildren(QWidget, name) if w.isVisible())


def worded(text: str) -> Any:
    """A visible button by the beginning of its words."""
    from PySide6.QtWidgets import QAbstractButton

    found = panel().findChildren(QAbstractButton)
    return next(b for b in found if b.isVisible() and b.text().startswith(text))


def choice_spot(text: str) -> list[int]:
    """The middle of a line in the menu that is open."""
    from PySide6.QtWidgets import QApplication, QMenu

    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    line = next(action for action in menu.actions() if action.text() == text)
    return spot(menu, menu.actionGeometry(line).center())


def show_all() -> None:
    """Have every strip and the whole picture in sight."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != "SEQUENCE_EDITOR":
                continue
            preview = area.spaces.active.view_type == "PREVIEW"
            kind = "PREVIEW" if preview else "WINDOW"
            region = next(r for r in area.regions if r.type == kind)
            with bpy.context.temp_override(window=window, area=area, region=region):
                if preview:
                    bpy.ops.sequencer.view_all_preview()
                else:
                    bpy.ops.sequencer.view_all()


def strip_spot(name: str) -> list[int]:
    """The middle of a strip in the sequencer, in pixels from the top left of Blender's window."""
    scene = bpy.context.scene
    strips = getattr(scene.sequence_editor, "strips", None) or scene.sequence_editor.sequences
    strip = strips[name]
    middle = (strip.frame_final_start + strip.frame_final_end) / 2
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            space = area.spaces.active
            if area.type == "SEQUENCE_EDITOR" and space.view_type in (
                "SEQUENCER",
                "SEQUENCER_PREVIEW",
            ):
                region = next(r for r in area.regions if r.type == "WINDOW")
                x, y = region.view2d.view_to_region(middle, strip.channel + 0.5, clip=False)
                # Blender counts from the bottom.
                return [region.x + x, window.height - region.y - y]
    raise LookupError("no sequencer is on the screen")


def strips() -> dict[str, list[int]]:
    """Channel, first frame and the frame after the last of every strip, by name."""
    editor = bpy.context.scene.sequence_editor
    found = getattr(editor, "strips", None) or editor.sequences
    return {s.name: [s.channel, s.frame_final_start, s.frame_final_end] for s in found}


def cross() -> list[int]:
    """The window manager's button that closes the panel's window."""
    frame = window_on_screen().frameGeometry()
    return [frame.right() - 10, frame.top() + 9]


def left_behind() -> dict[str, int]:
    """What a closed panel must not leave."""
    from PySide6.QtWidgets import QApplication

    return {
        "widgets": len(QApplication.allWidgets()),
        "threads": threading.active_count(),
        "pumping": int(part("pump").is_running()),
    }


def count_anew() -> None:
    for counts in (gaps, turns, works):
        counts.clear()


def counted() -> dict[str, float]:
    return {
        "ticks": len(gaps),
        "longest_gap_ms": max(gaps, default=0.0) * 1000,
        "turns": len(turns),
        "longest_turn_ms": max(turns, default=0.0) * 1000,
        "longest_work_ms": max(works, default=0.0) * 1000,
        "turns_above_50_ms": sum(turn > 0.05 for turn in turns),
        "busy_ms": sum(turns) * 1000,
    }


def watch_turns() -> None:
    """Time the pump's turns from outside of it."""
    pump = part("pump")
    whole = pump.turn

    def timed() -> None:
        begin, worked = time.perf_counter(), time.thread_time()
        whole()
        turns.append(time.perf_counter() - begin)
        works.append(time.thread_time() - worked)

    pump.turn = timed


def open_and_time() -> None:
    """Open the panel; ``opening`` says how long that took this thread, and until all was there."""
    begin = time.perf_counter()
    part("window").open_window()
    opening["call_ms"] = (time.perf_counter() - begin) * 1000

    def ready() -> None:
        opening["ready_ms"] = (time.perf_counter() - begin) * 1000

    opening.pop("ready_ms", None)
    panel().ready.connect(ready)


def _tick() -> float:
    global _last
    now = time.perf_counter()
    if _last:
        gaps.append(now - _last)
    _last = now
    return 0.01


def _answer() -> float:
    while not _questions.empty():
        text, back = _questions.get()
        told: dict[str, Any] = {}
        try:
            exec(compile(text, "<question>", "exec"), globals(), told)
            back.put(json.dumps({"answer": told.get("answer")}))
        except Exception:
            back.put(json.dumps({"error": traceback.format_exc()}))
    return 0.02


def _listen(port_file: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    port_file.write_text(str(server.getsockname()[1]))
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                back: queue.Queue[str] = queue.Queue()
                _questions.put((json.loads(line), back))
                lines.write(back.get() + "\n")
                lines.flush()


bpy.app.timers.register(_tick, persistent=True)
bpy.app.timers.register(_answer, persistent=True)
_words = sys.argv[sys.argv.index("--") + 1 :]
threading.Thread(target=_listen, args=(Path(_words[0]),), daemon=True).start()
