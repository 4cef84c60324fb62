"""A form built from the parameter schema of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QLayout, QPlainTextEdit, QSlider, QSpinBox, QWidget

from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import clear_layout, hbox, label, show_text, vbox
from bridge_ui.widgets.inputs import ComboBox, ToggleSwitch

if TYPE_CHECKING:
    from bridge_core.models.services import (
        ChoiceParameter,
        IntegerParameter,
        NumberParameter,
        Parameter,
        TextParameter,
        ToggleParameter,
    )

#: Slider steps of a number whose schema has no step.
_SLIDER_STEPS = 200


class ParameterForm(QWidget):
    """Fields for the parameters of a service."""

    changed = Signal(str, object)
    """Name and value, on every edit."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._fields: dict[str, ParameterField] = {}
        self._layout = vbox(gap=12)
        self.setLayout(self._layout)

    def build(self, parameters: tuple[Parameter, ...], values: Mapping[str, Any]) -> None:
        """Create the fields with these values, or the defaults of the schema."""
        clear_layout(self._layout)
        self._fields = {}
        for parameter in parameters:
            field = _make_field(parameter, self._colours)
            field.show_value(values.get(parameter.name, parameter.default))
            field.value_edited.connect(
                lambda value, name=parameter.name: self.changed.emit(name, value)
            )
            self._fields[parameter.name] = field
            self._layout.addWidget(field)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show other values without emitting :attr:`changed`."""
        for name, field in self._fields.items():
            if name in values:
                field.show_value(values[name])

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show the problems by parameter name; clear all others."""
        for name, field in self._fields.items():
            field.show_problem(problems.get(name, ""))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(field.parameter for field in self._fields.values())

    @property
    def values(self) -> dict[str, Any]:
        return {name: field.value() for name, field in self._fields.items()}


class _FieldBase(QWidget):
    """What the fields of all kinds of parameters share."""

    value_edited = Signal(object)

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self.parameter = parameter
        self._problem = label("", "bad", wrap=True)
        self._problem.hide()
        self.setObjectName(f"parameter-{parameter.name}")
        self.setToolTip(parameter.help)

    def show_problem(self, text: str) -> None:
        show_text(self._problem, text)

    def _arrange(self, *items: QWidget | QLayout, gap: int) -> None:
        self.setLayout(vbox(*items, self._problem, gap=gap))


class _NumberField(_FieldBase):
    """A slider and a box for exact values, kept in sync."""

    def __init__(self, parameter: NumberParameter | IntegerParameter) -> None:
        super().__init__(parameter)
        low, high = parameter.minimum, parameter.maximum
        self._box: Any = QSpinBox()
        self._zero, self._step = 0.0, 1.0
        """The value of the slider's position 0, and that of a step; positions of integers are their
        values."""
        if parameter.kind == "number":
            self._zero, self._step = low, parameter.step or (high - low) / _SLIDER_STEPS or 1.0
            self._box = QDoubleSpinBox()
            self._box.setDecimals(_decimals(self._step))
            self._box.setSingleStep(parameter.step or (high - low) / 20 or 1.0)
        self._number = type(self._box.value())
        self._box.setRange(low, high)
        first = self._position(low)
        self._slider = _make_slider(first, max(first + 1, self._position(high)))
        self._box.setSuffix(f" {parameter.unit}" if parameter.unit else "")
        self._box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._box.setKeyboardTracking(False)
        self._box.setFixedWidth(self._box.fontMetrics().horizontalAdvance("0000.00 mm"))
        self._box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for part in (self._slider, self._box):
            # The wheel scrolls the form and must not change values.
            part.wheelEvent = lambda event: event.ignore()  # type: ignore[method-assign]
            part.setAccessibleName(parameter.title)
            part.setAccessibleDescription(parameter.help)
        slider_and_box = hbox(self._slider, self._box, gap=10, grows=0)
        self._arrange(label(parameter.title, "dim", wrap=True), slider_and_box, gap=2)
        self._slider.valueChanged.connect(self._slider_moved)
        self._box.valueChanged.connect(self._box_changed)

    def value(self) -> float:
        number: float = self._box.value()
        return number

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self._box):
            self._box.setValue(self._number(value))
        self._update_slider(self.value())

    def _position(self, value: float) -> int:
        return round((value - self._zero) / self._step)

    def _slider_moved(self, position: int) -> None:
        self._box.setValue(self._number(self._zero + position * self._step))

    def _box_changed(self, value: float) -> None:
        self._update_slider(value)
        self.value_edited.emit(value)

    def _update_slider(self, value: float) -> None:
        position = self._position(value)
        with QSignalBlocker(self._slider):
            self._slider.setValue(position)


class _ChoiceField(_FieldBase):
    def __init__(self, parameter: ChoiceParameter, colours: ThemeColours) -> None:
        super().__init__(parameter)
        self._list = ComboBox(colours)
        self._list.setAccessibleName(parameter.title)
        for choice in parameter.choices:
            self._list.addItem(choice.title, choice.value)
            self._list.setItemData(self._list.count() - 1, choice.help, Qt.ItemDataRole.ToolTipRole)
        self._arrange(label(parameter.title, "dim", wrap=True), self._list, gap=5)
        self._list.activated.connect(lambda _index: self.value_edited.emit(self.value()))

    def value(self) -> str:
        return str(self._list.currentData())

    def show_value(self, value: Any) -> None:
        index = self._list.findData(value)
        with QSignalBlocker(self._list):
            self._list.setCurrentIndex(index)


class _ToggleField(_FieldBase):
    def __init__(self, parameter: ToggleParameter, colours: ThemeColours) -> None:
        super().__init__(parameter)
        self._switch = ToggleSwitch(colours)
        self._switch.setAccessibleName(parameter.title)
        self._arrange(hbox(label(parameter.title, wrap=True), self._switch, grows=0), gap=6)
        self._switch.toggled.connect(self.value_edited.emit)

    def value(self) -> bool:
        return self._switch.isChecked()

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self._switch):
            self._switch.setChecked(bool(value))
        self._switch.update()


class _TextParameterField(_FieldBase):
    def __init__(self, parameter: TextParameter) -> None:
        super().__init__(parameter)
        self._max_length = parameter.max_length
        self._text = text_box(3)
        self._text.setAccessibleName(parameter.title)
        self._remaining = label("", "small")
        self._remaining.hide()
        self._arrange(label(parameter.title, "dim", wrap=True), self._text, self._remaining, gap=6)
        self._text.textChanged.connect(self._text_changed)

    def value(self) -> str:
        return self._text.toPlainText()

    def show_value(self, value: Any) -> None:
        if value != self.value():
            with QSignalBlocker(self._text):
                self._text.setPlainText(str(value))

    def _text_changed(self) -> None:
        remaining = self._max_length - len(self.value())
        self._remaining.setVisible(remaining < self._max_length // 10)
        self._remaining.setText(f"{remaining}")
        self.value_edited.emit(self.value())


#: The field of a parameter of any kind.
ParameterField = _NumberField | _ChoiceField | _ToggleField | _TextParameterField


def text_box(lines: int) -> QPlainTextEdit:
    """A plain text field of a few lines; Tab moves to the next field."""
    widget = QPlainTextEdit(tabChangesFocus=True)
    widget.setFixedHeight(widget.fontMetrics().lineSpacing() * lines + 18)
    return widget


def _make_field(parameter: Parameter, colours: ThemeColours) -> ParameterField:
    match parameter.kind:
        case "number" | "integer":
            return _NumberField(parameter)
        case "choice":
            return _ChoiceField(parameter, colours)
        case "toggle":
            return _ToggleField(parameter, colours)
        case "text":
            return _TextParameterField(parameter)


def _make_slider(low: int, high: int) -> QSlider:
    widget = QSlider(Qt.Orientation.Horizontal)
    widget.setRange(low, high)
    widget.setPageStep(max(1, (high - low) // 10))
    return widget


def _decimals(step: float) -> int:
    for digits in range(4):
        if abs(step - round(step, digits)) < 1e-9:
            return digits
    return 4 if step < 0.001 else 3
