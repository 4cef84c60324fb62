"""A real Blender with a window, used by clicks and keys on a virtual screen."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from blender_session import BlenderSession

pytestmark = pytest.mark.slow

#: Maximum milliseconds of one timer call on Blender's main thread while a shot is sent and a job
#: runs, without waiting for a processor. The wall-clock time is printed as well.
TICK = 50.0


@pytest.mark.timeout(900)
def test_from_a_strip_to_the_approved_version_above_it(
    session: BlenderSession, pictures: Path
) -> None:
    session.open_panel()
    session.run_python("time_timers()")
    session.click_strip("BBB_0010")
    session.wait_for(
        "[r.source for r in panel().controllers.shots.rows] == ['BBB_0010']", "the strip"
    )
    session.show_page("send")
    session.wait_for("find_widget('send').isEnabled()", "the button to be ready")
    time.sleep(1)
    session.screen.save_picture(pictures / "blender_send.png")

    session.run_python("reset_counts()")
    session.click_widget("find_widget('send')")
    session.wait_for("len(panel().controllers.jobs.rows) == 1", "a job")
    session.show_page("jobs")
    job = "panel().controllers.jobs.rows[0]"
    frames = f"'run' in {job}.sign.text and ({job}.progress or 0) > 0.2"
    session.wait_for(f"{frames} or {job}.has_ended", "progress", 400)
    session.screen.save_picture(pictures / "blender_job.png")
    session.wait_for(f"{job}.has_ended", "the job to end", 600)
    counted = session.evaluate("read_counts()")
    print("while a shot was sent and a job ran:", json.dumps(counted))
    assert counted["longest_held_ms"] < TICK

    session.show_page("review")
    review = "panel().controllers.review.state.value"
    session.wait_for(f"{review}.version is not None", "the version under review")
    session.click_widget("find_button('Wipe')")
    session.wait_for("panel().review.player.picture('B') is not None", "the version's pictures")
    time.sleep(2)
    session.screen.save_picture(pictures / "blender_review.png")
    session.click_widget("find_button('Approve')")
    session.screen.type_text("Grass holds up")
    session.click_widget("find_button('Approve Upscale v001')")
    session.wait_for(f"'approved by Ada Lovelace' in {review}.message", "the approval")

    session.click_widget("find_widget('place')")
    session.screen.click(*session.wait_for("menu_item_position('Strip above')", "the menu"))
    before = {"BBB_0010", "BBB_0020", "BBB_0030"}
    session.wait_for("len(strips()) == 4", "the version's strip")
    [placed] = set(session.evaluate("strips()")) - before
    where = session.evaluate("strips()")
    assert where[placed] == [where["BBB_0010"][0] + 1, *where["BBB_0010"][1:]]
    time.sleep(2)
    session.screen.save_picture(pictures / "blender_placed.png")

    session.click_strip("BBB_0020")
    session.screen.press_keys("ctrl+z", "ctrl+z")
    session.wait_for("len(strips()) == 3", "the strip to be gone after Ctrl-Z")
    session.screen.press_keys("ctrl+shift+z", "ctrl+shift+z")
    session.wait_for("len(strips()) == 4", "the strip to be back")
    assert session.evaluate("strips()") == where
    session.run_python("bpy.ops.wm.save_mainfile()")


def test_blender_stays_usable_while_it_renders_a_plate(
    session: BlenderSession, pictures: Path
) -> None:
    session.run_python("slow_camera()")
    session.open_panel()
    shot = "[r.shot.id.shot for r in panel().controllers.shots.rows] == ['Lens']"
    session.wait_for(shot, "the camera's shot")
    jobs = "[r.shot.shot for r in panel().controllers.jobs.rows].count('Lens')"
    before = session.evaluate("render_settings()")
    session.show_page("send")
    session.wait_for("find_widget('send').isEnabled()", "the button to be ready")
    session.run_python("time_timers()")
    session.click_widget("find_widget('send')")
    session.wait_for("bpy.app.is_job_running('RENDER')", "Blender's own job")
    begin = time.monotonic()
    session.run_python("reset_counts()")
    rendering = "panel().controllers.send.state.value.render_progress"
    session.wait_for(f"{rendering}.frames_done == 1", "the first frame", 120)
    took = time.monotonic() - begin
    counted = session.evaluate("read_counts()")
    print(f"while a frame was rendered for {took:.1f} s:", json.dumps(counted))
    assert counted["turns"] > 10 * took, "the panel is updated"
    assert counted["longest_held_ms"] < TICK
    session.wait_for(f"{jobs} == 1", "the job", 120)
    assert session.evaluate("render_settings()") == before
    # And again, to be stopped by the user.
    session.wait_for("find_widget('send').isEnabled()", "the button to be ready")
    session.click_widget("find_widget('send')")
    session.wait_for("panel().controllers.send.state.value.question", "the question")
    session.click_widget("find_widget('confirm-duplicate')")
    session.wait_for("bpy.app.is_job_running('RENDER')", "Blender's own job")
    session.click_in_blender(700, 560)
    session.screen.press_keys("Escape")
    session.wait_for(f"not {rendering}.shot", "the rendering to end")
    session.wait_for("'stopped' in panel().controllers.send.state.value.problem", "words")
    assert session.evaluate("render_settings()") == before
    assert session.evaluate(jobs) == 1


def test_the_panel_opens_fast_compared_to_blenders_start(workstation: BlenderSession) -> None:
    starts, openings = [], []
    for _ in range(3):
        starts.append(workstation.open_blender())
        workstation.run_python("open_and_time()")
        workstation.wait_for("'ready_ms' in opening", "the panel")
        openings.append(workstation.evaluate("opening"))
        workstation.end_blender()
    start = sorted(starts)[1]
    opening = sorted(openings, key=lambda one: one["ready_ms"])[1]
    print(
        f"Blender's own start {start:.2f} s; the panel is open after "
        f"{opening['ready_ms'] / 1000:.2f} s, {opening['ready_ms'] / 1000 / start:.2f} of it, of "
        f"which the call itself took {opening['call_ms']:.0f} ms"
    )


def test_the_closed_window_leaves_nothing_and_opens_again(session: BlenderSession) -> None:
    session.open_panel()
    leftovers = []
    for _ in range(4):
        session.screen.click(*session.evaluate("close_button_position()"))
        session.wait_for("window_on_screen() is None", "the panel to close")
        session.wait_for("not extension_module('qt_event_loop').is_running()", "the pump to stop")
        time.sleep(0.5)
        leftovers.append(session.evaluate("leftovers()"))
        session.open_panel()
    assert leftovers[0]["pumping"] == 0
    assert leftovers[-1] == leftovers[1]
    assert session.evaluate("extension_module('qt_event_loop').is_running()")


def test_another_file_is_loaded_while_the_panel_is_open(session: BlenderSession) -> None:
    session.open_panel()
    session.run_python("time_timers()")
    session.run_python("bpy.ops.wm.read_homefile(app_template='')")
    session.wait_for("bpy.data.filepath == ''", "the new file")
    session.run_python("reset_counts()")
    session.wait_for("len(turns) > 20", "turns after the load")
    session.wait_for(
        "[r.shot.id.shot for r in panel().controllers.shots.rows] == ['Camera']", "its shots"
    )
    session.run_python(f"bpy.ops.wm.open_mainfile(filepath={str(session.file)!r})")
    session.wait_for(
        "any(r.key.startswith('strip:') for r in panel().controllers.shots.rows)",
        "the first file's shots",
    )


def test_events_are_processed_during_a_modal_operator(session: BlenderSession) -> None:
    session.open_panel()
    session.run_python("time_timers()")
    session.click_strip("BBB_0030")
    where = session.evaluate("strips()['BBB_0030']")
    session.screen.press_keys("g")
    session.wait_for("bool(bpy.context.window.modal_operators)", "the strip to be grabbed")
    session.run_python("reset_counts()")
    session.wait_for("len(turns) > 20", "turns while it is grabbed")
    session.screen.press_keys("Escape")
    session.wait_for("not bpy.context.window.modal_operators", "the strip to be let go")
    assert session.evaluate("strips()['BBB_0030']") == where


def test_disabled_with_an_open_panel_and_enabled_again(session: BlenderSession) -> None:
    for _ in range(2):
        session.open_panel()
        session.run_python("import sys; sys.modules['kept'] = extension_module('window')")
        session.run_python("bpy.ops.preferences.addon_disable(module=MODULE)")
        assert session.evaluate("__import__('kept')._window is None")
        assert (
            session.evaluate(
                "bpy.app.timers.is_registered(extension_module('qt_event_loop')._on_timer)"
            )
            is False
        )
        session.run_python("bpy.ops.preferences.addon_enable(module=MODULE)")
    session.open_panel()
    assert session.evaluate("extension_module('qt_event_loop').is_running()")


def test_two_windows_of_blender(session: BlenderSession) -> None:
    session.open_panel()
    session.run_python("time_timers()")
    session.run_python("bpy.ops.wm.window_new()")
    session.wait_for("len(bpy.context.window_manager.windows) == 2", "the second window")
    session.run_python("reset_counts()")
    session.wait_for("len(turns) > 20", "turns with two windows")
    session.run_python(
        "second = bpy.context.window_manager.windows[1]\n"
        "with bpy.context.temp_override(window=second):\n"
        "    bpy.ops.wm.window_close()"
    )
    session.wait_for("len(bpy.context.window_manager.windows) == 1", "the second window to close")
    session.run_python("reset_counts()")
    session.wait_for("len(turns) > 20", "turns after it")


def test_blender_quits_with_the_panel_open_and_a_running_job(session: BlenderSession) -> None:
    session.open_panel()
    session.click_strip("BBB_0020")
    session.wait_for(
        "[r.source for r in panel().controllers.shots.rows] == ['BBB_0020']", "the strip"
    )
    session.show_page("send")
    session.wait_for("find_widget('send').isEnabled()", "the button to be ready")
    session.click_widget("find_widget('send')")
    session.wait_for("any(r.is_running for r in panel().controllers.jobs.rows)", "the job to run")
    assert session.quit_blender() == 0
