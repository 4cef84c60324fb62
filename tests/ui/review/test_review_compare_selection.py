"""Which compare mode is shown while B comes and goes."""

from __future__ import annotations

from bridge_ui.review.compare.viewer_settings import CompareMode, CompareSelection


def test_without_b_only_a_is_shown_and_the_mode_is_kept() -> None:
    selection = CompareSelection()
    selection.set_sides({"A"}, is_new_shot=True)
    assert selection.shown_mode is CompareMode.A
    assert selection.visible_sides == ("A",)
    assert not selection.choose(CompareMode.DIFFERENCE)
    selection.set_sides({"A", "B"}, is_new_shot=False)
    assert selection.shown_mode is CompareMode.WIPE
    assert selection.visible_sides == ("A", "B")
    selection.set_sides((), is_new_shot=False)
    assert selection.visible_sides == ()


def test_a_new_shot_shows_b_again() -> None:
    selection = CompareSelection()
    selection.set_sides({"A", "B"}, is_new_shot=True)
    assert selection.choose(CompareMode.A)
    selection.set_sides({"A", "B"}, is_new_shot=False)
    assert selection.shown_mode is CompareMode.A
    selection.set_sides({"A", "B"}, is_new_shot=True)
    assert selection.shown_mode is CompareMode.B
