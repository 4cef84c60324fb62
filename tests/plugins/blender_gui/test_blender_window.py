"""A real Blender with its window, driven by real clicks and keys on a real screen."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seat import Seat

pytestmark = pytest.mark.slow

#: Milliseconds that we may hold Blender's main thread at a time while a shot is sent and a job
#: runs, without waiting for a processor that others have. By the clock is printed, too.
TICK = 50.0


@pytest.mark.timeout(900)
def test_from_a_strip_to_the_approved_version_above_it(seat: Seat, pictures: Path) -> None:
    seat.open_panel()
    seat.ask("watch_turns()")
    seat.press_strip("BBB_0010")
    seat.wait("[r.source for r in panel().controllers.shots.rows] == ['BBB_0010']", "the strip")
    seat.show_page("send")
    seat.wait("named('send').isEnabled()", "the button to be ready")
    time.sleep(1)
    seat.screen.picture(pictures / "blender_send.png")

    seat.ask("count_anew()")
    seat.press("named('send')")
    seat.wait("len(panel().controllers.jobs.rows) == 1", "a job")
    seat.show_page("jobs")
    job = "panel().controllers.jobs.rows[0]"
    frames = f"'run' in {job}.sign.words and {job}.fraction > 0.2"
    seat.wait(f"{frames} or {job}.ended", "progress", 400)
    seat.screen.picture(pictures / "blender_job.png")
    seat.wait(f"{job}.ended", "the job to end", 600)
    counted = seat.value("counted()")
    print("while a shot was sent and a job ran:", json.dumps(counted))
    assert counted["longest_held_ms"] < TICK

    seat.show_page("review")
    review = "panel().controllers.review.state.value"
    seat.wait(f"{review}.version is not None", "the version under review")
    seat.press("worded('Wipe')")
    seat.wait("panel().room.player.picture('B') is not None", "the version's pictures")
    time.sleep(2)
    seat.screen.picture(pictures / "blender_review.png")
    seat.press("worded('Approve')")
    seat.screen.type("Grass holds up")
    seat.press("worded('Approve v001')")
    seat.wait(f"'approved by Ada Lovelace' in {review}.told", "the approval")

    seat.press("named('place')")
    seat.screen.click(*seat.wait("choice_spot('Strip above')", "the menu"))
    before = {"BBB_0010", "BBB_0020", "BBB_0030"}
    seat.wait("len(strips()) == 4", "the version's strip")
    [placed] = set(seat.value("strips()")) - before
    where = seat.value("strips()")
    assert where[placed] == [where["BBB_0010"][0] + 1, *where["BBB_0010"][1:]]
    time.sleep(2)
    seat.screen.picture(pictures / "blender_placed.png")

    seat.press_strip("BBB_0020")
    seat.screen.key("ctrl+z", "ctrl+z")
    seat.wait("len(strips()) == 3", "the strip to be gone after Ctrl-Z")
    seat.screen.key("ctrl+shift+z", "ctrl+shift+z")
    seat.wait("len(strips()) == 4", "the strip to be back")
    assert seat.value("strips()") == where
    seat.ask("bpy.ops.wm.save_mainfile()")


def test_blender_goes_on_while_it_renders_a_plate(seat: Seat, pictures: Path) -> None:
    seat.ask("slow_camera()")
    seat.open_panel()
    shot = "[r.shot.id.shot for r in panel().controllers.shots.rows] == ['Lens']"
    seat.wait(shot, "the camera's shot")
    jobs = "[r.shot.shot for r in panel().controllers.jobs.rows].count('Lens')"
    before = seat.value("render_settings()")
    seat.show_page("send")
    seat.wait("named('send').isEnabled()", "the button to be ready")
    seat.ask("watch_turns()")
    seat.press("named('send')")
    seat.wait("bpy.app.is_job_running('RENDER')", "Blender's own job")
    begin = time.monotonic()
    seat.ask("count_anew()")
    rendering = "panel().controllers.send.state.value.rendering"
    seat.wait(f"{rendering}.frames == 1", "the first frame", 120)
    took = time.monotonic() - begin
    counted = seat.value("counted()")
    print(f"while a frame was rendered for {took:.1f} s:", json.dumps(counted))
    assert counted["turns"] > 10 * took, "the panel lives"
    assert counted["longest_held_ms"] < TICK
    seat.wait(f"{jobs} == 1", "the job", 120)
    assert seat.value("render_settings()") == before
    # And once more, to be stopped by whoever sits there.
    seat.wait("named('send').isEnabled()", "the button to be ready")
    seat.press("named('send')")
    seat.wait("bpy.app.is_job_running('RENDER')", "Blender's own job")
    seat.press_in_blender(700, 560)
    seat.screen.key("Escape")
    seat.wait(f"not {rendering}.shot", "the rendering to end")
    seat.wait("'stopped' in panel().controllers.send.state.value.problem", "words")
    assert seat.value("render_settings()") == before
    assert seat.value(jobs) == 1


def test_the_first_opening_beside_blenders_own_start(place_of_work: Seat) -> None:
    starts, openings = [], []
    for _ in range(3):
        starts.append(place_of_work.open_blender())
        place_of_work.ask("open_and_time()")
        place_of_work.wait("'ready_ms' in opening", "the panel")
        openings.append(place_of_work.value("opening"))
        place_of_work.end_blender()
    start = sorted(starts)[1]
    opening = sorted(openings, key=lambda one: one["ready_ms"])[1]
    print(
        f"Blender's own start {start:.2f} s; the panel is open after "
        f"{opening['ready_ms'] / 1000:.2f} s, {opening['ready_ms'] / 1000 / start:.2f} of it, of "
        f"which the call itself took {opening['call_ms']:.0f} ms"
    )


def test_closed_with_its_cross_it_leaves_nothing_and_opens_again(seat: Seat) -> None:
    seat.open_panel()
    told = []
    for _ in range(4):
        seat.screen.click(*seat.value("cross()"))
        seat.wait("not part('window').is_open()", "the panel to close")
        seat.wait("not part('pump').is_running()", "the pump to stop")
        time.sleep(0.5)
        told.append(seat.value("left_behind()"))
        seat.open_panel()
    assert told[0]["pumping"] == 0
    assert told[-1] == told[1]
    assert seat.value("part('pump').is_running()")


def test_another_file_is_loaded_under_the_open_panel(seat: Seat) -> None:
    seat.open_panel()
    seat.ask("watch_turns()")
    seat.ask("bpy.ops.wm.read_homefile(app_template='')")
    seat.wait("bpy.data.filepath == ''", "the new file")
    seat.ask("count_anew()")
    seat.wait("len(turns) > 20", "turns after the load")
    seat.wait("[r.shot.id.shot for r in panel().controllers.shots.rows] == ['Camera']", "its shots")
    seat.ask(f"bpy.ops.wm.open_mainfile(filepath={str(seat.file)!r})")
    seat.wait(
        "any(r.key.startswith('strip:') for r in panel().controllers.shots.rows)",
        "the first file's shots",
    )


def test_a_modal_operator_takes_no_turns_away(seat: Seat) -> None:
    seat.open_panel()
    seat.ask("watch_turns()")
    seat.press_strip("BBB_0030")
    where = seat.value("strips()['BBB_0030']")
    seat.screen.key("g")
    seat.wait("bool(bpy.context.window.modal_operators)", "the strip to be grabbed")
    seat.ask("count_anew()")
    seat.wait("len(turns) > 20", "turns while it is grabbed")
    seat.screen.key("Escape")
    seat.wait("not bpy.context.window.modal_operators", "the strip to be let go")
    assert seat.value("strips()['BBB_0030']") == where


def test_disabled_with_an_open_panel_and_enabled_again(seat: Seat) -> None:
    for _ in range(2):
        seat.open_panel()
        seat.ask("import sys; sys.modules['kept'] = part('window')")
        seat.ask("bpy.ops.preferences.addon_disable(module=MODULE)")
        assert seat.value("__import__('kept').is_open()") is False
        assert seat.value("bpy.app.timers.is_registered(part('pump')._turn)") is False
        seat.ask("bpy.ops.preferences.addon_enable(module=MODULE)")
    seat.open_panel()
    assert seat.value("part('pump').is_running()")


def test_two_windows_of_blender(seat: Seat) -> None:
    seat.open_panel()
    seat.ask("watch_turns()")
    seat.ask("bpy.ops.wm.window_new()")
    seat.wait("len(bpy.context.window_manager.windows) == 2", "the second window")
    seat.ask("count_anew()")
    seat.wait("len(turns) > 20", "turns with two windows")
    seat.ask(
        "second = bpy.context.window_manager.windows[1]\n"
        "with bpy.context.temp_override(window=second):\n"
        "    bpy.ops.wm.window_close()"
    )
    seat.wait("len(bpy.context.window_manager.windows) == 1", "the second window to close")
    seat.ask("count_anew()")
    seat.wait("len(turns) > 20", "turns after it")


def test_blender_ends_with_the_panel_open_and_a_job_at_work(seat: Seat) -> None:
    seat.open_panel()
    seat.press_strip("BBB_0020")
    seat.wait("[r.source for r in panel().controllers.shots.rows] == ['BBB_0020']", "the strip")
    seat.show_page("send")
    seat.wait("named('send').isEnabled()", "the button to be ready")
    seat.press("named('send')")
    seat.wait("any(r.running for r in panel().controllers.jobs.rows)", "the job to run")
    assert seat.leave_blender() == 0
