"""The form is built from the parameter schema, and shows and accepts its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QSpinBox,
)

from bridge_core.models.services import (
    ChoiceParameter,
    IntegerParameter,
    NumberParameter,
    Parameter,
    ParameterChoice,
    TextParameter,
    ToggleParameter,
)
from bridge_ui.app.panel import Panel
from bridge_ui.send.cards_widget import SendSummaryCard
from bridge_ui.send.parameter_form_widget import ParameterForm
from bridge_ui.send.send_summary import SummaryLine
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import apply_theme

STRENGTH = NumberParameter(
    name="strength", title="Strength", default=0.5, minimum=0, maximum=1, step=0.05
)
GRAIN = IntegerParameter(name="grain", title="Grain", default=3, minimum=0, maximum=100, unit="%")
MODEL = ChoiceParameter(
    name="model",
    title="Model",
    default="b",
    choices=(ParameterChoice(value="a", title="One"), ParameterChoice(value="b", title="Other")),
)
HOLD = ToggleParameter(name="hold", title="Hold", default=False)
PROMPT = TextParameter(name="prompt", title="Prompt", default="as it is", max_length=40)
ALL: tuple[Parameter, ...] = (STRENGTH, GRAIN, MODEL, HOLD, PROMPT)


@pytest.fixture
def form(qapp: QApplication) -> ParameterForm:
    new_form = ParameterForm(ThemeColours())
    apply_theme(new_form, ThemeColours())
    new_form.resize(320, 600)
    new_form.show()
    return new_form


def _record_changes(form: ParameterForm) -> list[tuple[str, Any]]:
    changes: list[tuple[str, Any]] = []
    form.changed.connect(lambda name, value: changes.append((name, value)))
    return changes


def test_a_form_shows_the_defaults_without_emitting(form: ParameterForm) -> None:
    changes = _record_changes(form)
    form.build(ALL, {})
    assert form.values == {
        "strength": 0.5,
        "grain": 3,
        "model": "b",
        "hold": False,
        "prompt": "as it is",
    }
    assert changes == []


def test_showing_other_values_emits_nothing(form: ParameterForm) -> None:
    form.build(ALL, {})
    changes = _record_changes(form)
    values = {"strength": 0.15, "grain": 99, "model": "a", "hold": True, "prompt": "more"}
    form.show_values(values)
    assert form.values == values
    assert changes == []


def test_slider_and_box_are_in_sync(form: ParameterForm) -> None:
    form.build((STRENGTH,), {})
    changes = _record_changes(form)
    slider, box = form.findChild(QSlider), form.findChild(QDoubleSpinBox)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert box.value() == pytest.approx(0.55)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, box.locale().toString(0.8))
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert slider.value() == 16
    assert changes == [("strength", pytest.approx(0.55)), ("strength", pytest.approx(0.8))]


def test_values_between_slider_steps_are_kept(form: ParameterForm) -> None:
    """Showing the 0.123 of a preset moves the slider, and does not round the value."""
    loose = NumberParameter(name="x", title="X", default=0.123, minimum=0, maximum=1, step=0.001)
    form.build((loose,), {"x": 0.347})
    assert form.values == {"x": pytest.approx(0.347)}


def test_every_kind_of_parameter_is_edited(form: ParameterForm) -> None:
    form.build(ALL, {})
    changes = _record_changes(form)
    form.findChild(QSpinBox).setValue(7)
    chooser = form.findChild(QComboBox)
    chooser.setFocus()
    QTest.keyClick(chooser, Qt.Key.Key_Up)
    toggle = next(b for b in form.findChildren(QAbstractButton) if b.isCheckable())
    QTest.mouseClick(toggle, Qt.MouseButton.LeftButton)
    text = next(t for t in form.findChildren(QPlainTextEdit) if not t.isReadOnly())
    text.selectAll()
    QTest.keyClicks(text, "x")
    assert ("grain", 7) in changes
    assert ("model", "a") in changes
    assert ("hold", True) in changes
    assert changes[-1] == ("prompt", "x")


def test_fields_are_replaced_for_another_service(form: ParameterForm) -> None:
    form.build(ALL, {})
    form.build((GRAIN,), {"grain": 4})
    QTest.qWait(1)
    assert form.values == {"grain": 4}
    assert [box.value() for box in form.findChildren(QSpinBox)] == [4]
    assert form.findChildren(QPlainTextEdit) == []


def test_problems_are_shown_at_their_field(form: ParameterForm) -> None:
    form.build(ALL, {})
    form.show_problems({"prompt": "has at most 40 characters"})
    shown = [w.text() for w in form.findChildren(type(form._fields["prompt"]._problem))]
    assert "has at most 40 characters" in shown
    form.show_problems({})
    assert not form._fields["prompt"]._problem.isVisible()


def test_the_wheel_over_a_number_changes_nothing(form: ParameterForm) -> None:
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent

    form.build((STRENGTH, MODEL), {})
    changes = _record_changes(form)
    for widget in (
        form.findChild(QSlider),
        form.findChild(QDoubleSpinBox),
        form.findChild(QComboBox),
    ):
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(0, 120),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)
    assert changes == []


def test_text_of_a_schema_is_never_markup(form: ParameterForm) -> None:
    from PySide6.QtWidgets import QLabel

    form.build((HOLD.model_copy(update={"title": "<b>big</b>"}),), {})
    labels = [one for one in form.findChildren(QLabel) if "<b>" in one.text()]
    assert labels
    assert labels[0].textFormat() is Qt.TextFormat.PlainText


def test_while_quoting_only_missing_lines_are_awaited(
    qapp: QApplication,
) -> None:
    """The cleared note of the last request is not awaited."""
    card = SendSummaryCard()
    card.show()

    def visible_texts() -> list[str]:
        return [one.text() for pair in card._rows for one in pair if one.isVisible()]

    known = (SummaryLine("Send", "8 frames"), SummaryLine("To", "this machine"))
    quoted = (SummaryLine("Duration", "1 s"), SummaryLine("Allowed", "yes"))
    card.show_lines((known[0], SummaryLine("Note", "Hold"), known[1], *quoted), quoting=False)
    card.show_lines(known, quoting=True)
    assert visible_texts() == [
        "Send",
        "8 frames",
        "To",
        "this machine",
        "Duration",
        "…",
        "Allowed",
        "…",
    ]
    card.show_lines(known, quoting=True)
    assert len(visible_texts()) == 8
    card.show_lines((*known, *quoted), quoting=False)
    assert visible_texts()[4:] == ["Duration", "1 s", "Allowed", "yes"]


def test_an_unsaved_preset_name_belongs_to_its_service(
    make_panel: Callable[[], Panel],
) -> None:
    panel = make_panel()
    send, presets = panel.controllers.send, panel.send._presets
    name = panel.findChild(QLineEdit, "preset-name")
    presets._ask_name()
    QTest.keyClicks(name, "Fine grain")
    send.choose_service("matte")
    assert not name.isVisible()
    assert name.text() == ""
    send.choose_service("upscale")
    assert name.isVisible()
    assert name.text() == "Fine grain"
