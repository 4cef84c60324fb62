"""Inside Blender: runs code from a test on Blender's main thread, and measures its time.

Started as ``blender FILE --python driver.py -- PORT_FILE``. Each line is a JSON string of Python
code, run with the functions below; the value of ``answer`` is returned as JSON. User input is not
simulated here: clicks come through the X server.
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

#: Seconds between two ticks of a timer of 10 ms, since :func:`reset_counts`.
gaps: list[float] = []
#: Seconds that each of our timer calls took on Blender's main thread, and the seconds without
#: waiting for a processor. Waiting for a lock, a disk or a network is included.
turns: list[float] = []
helds: list[float] = []
opening: dict[str, float] = {}
_last = 0.0


def extension_module(name: str) -> Any:
    """A module of the extension; enabling it again creates new ones."""
    return sys.modules[f"{MODULE}.bridge_blender.{name}"]


def panel() -> Any:
    window = extension_module("window")._window
    return window and window._panel


def window_on_screen() -> Any:
    return extension_module("window")._window


def widget_position(widget: Any, at: Any = None) -> list[int]:
    """The screen position of a widget's centre, or of a point in it."""
    point = widget.mapToGlobal(at or widget.rect().center())
    return [point.x(), point.y()]


def find_widget(name: str) -> Any:
    """A visible widget of the panel by its object name."""
    from PySide6.QtWidgets import QWidget

    return next(w for w in panel().findChildren(QWidget, name) if w.isVisible())


def find_button(text: str) -> Any:
    """A visible button by the beginning of its text."""
    from PySide6.QtWidgets import QAbstractButton

    found = panel().findChildren(QAbstractButton)
    return next(b for b in found if b.isVisible() and b.text().startswith(text))


def menu_item_position(text: str) -> list[int]:
    """The screen position of an item in the open menu."""
    from PySide6.QtWidgets import QApplication, QMenu

    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    line = next(action for action in menu.actions() if action.text() == text)
    return widget_position(menu, menu.actionGeometry(line).center())


def show_all() -> None:
    """Show all strips and the whole preview."""
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


def strip_position(name: str) -> list[int]:
    """The centre of a strip in the sequencer, from the top left of Blender's window."""
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
    raise LookupError("no sequencer is visible")


def strips() -> dict[str, list[int]]:
    """Channel, first frame and the frame after the last of every strip, by name."""
    editor = bpy.context.scene.sequence_editor
    found = getattr(editor, "strips", None) or editor.sequences
    return {s.name: [s.channel, s.frame_final_start, s.frame_final_end] for s in found}


def slow_camera() -> None:
    """Create a scene whose frames take seconds to render."""
    scene = bpy.data.scenes.new("Slow")
    scene.camera = bpy.data.objects.new("Lens", bpy.data.cameras.new("Lens"))
    scene.collection.objects.link(scene.camera)
    scene.render.engine = "CYCLES"
    scene.cycles.use_denoising = False  # not every Blender has it
    scene.cycles.samples, scene.cycles.use_adaptive_sampling = 192, False
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.frame_start, scene.frame_end = 1, 3
    scene.frame_current = 2
    scene.sequence_editor_create()
    bpy.context.window.scene = scene


def render_settings() -> list[Any]:
    """Settings that rendering a plate must not change."""
    scene = bpy.context.scene
    image = scene.render.image_settings
    view = bpy.context.preferences.view
    return [
        scene.frame_current,
        scene.render.use_sequencer,
        scene.render.use_border,
        image.file_format,
        image.color_depth,
        view.render_display_type,
        bpy.context.preferences.is_dirty,
        bpy.data.images["Render Result"].render_slots.active_index
        if "Render Result" in bpy.data.images
        else 0,
    ]


def close_button_position() -> list[int]:
    """The window manager's button that closes the panel's window."""
    frame = window_on_screen().frameGeometry()
    return [frame.right() - 10, frame.top() + 9]


def leftovers() -> dict[str, int]:
    """Counts that must not grow when the panel is closed."""
    from PySide6.QtWidgets import QApplication

    return {
        "widgets": len(QApplication.allWidgets()),
        "threads": threading.active_count(),
        "pumping": int(extension_module("qt_event_loop").is_running()),
    }


def reset_counts() -> None:
    for counts in (gaps, turns, helds):
        counts.clear()


def read_counts() -> dict[str, float]:
    return {
        "ticks": len(gaps),
        "longest_gap_ms": max(gaps, default=0.0) * 1000,
        "turns": len(turns),
        "longest_turn_ms": max(turns, default=0.0) * 1000,
        "longest_held_ms": max(helds, default=0.0) * 1000,
        "turns_above_50_ms": sum(turn > 0.05 for turn in turns),
        "busy_ms": sum(turns) * 1000,
    }


def time_timers() -> None:
    """Measure everything that our timers call: Qt events and polling the sequencer."""
    for module, name in (
        (extension_module("qt_event_loop"), "process_events"),
        (extension_module("selection_sync"), "_fingerprint"),
    ):
        setattr(module, name, _timed(getattr(module, name)))


def _timed(whole: Any) -> Any:
    def timed() -> Any:
        begin, waited = time.perf_counter(), _waited()
        try:
            return whole()
        finally:
            took = time.perf_counter() - begin
            turns.append(took)
            helds.append(took - (_waited() - waited))

    return timed


def _waited() -> float:
    """Seconds that this thread waited for a processor: the second number of Linux's schedstat
    (Documentation/scheduler/sched-stats.rst)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def open_and_time() -> None:
    """Open the panel; ``opening`` has the time of the call and the time until it was ready."""
    begin = time.perf_counter()
    extension_module("window").open_window()
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
        namespace: dict[str, Any] = {}
        try:
            exec(compile(text, "<question>", "exec"), globals(), namespace)
            back.put(json.dumps({"answer": namespace.get("answer")}))
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
