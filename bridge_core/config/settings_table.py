"""The table of docs/configuration.md, made from the model so that the two cannot drift apart.

``python -m bridge_core.config.settings_table docs/configuration.md`` writes it into the document.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bridge_core.config.setting_keys import format_value, setting_keys, setting_sections
from bridge_core.models.settings import default_state_dir

_BEGIN = "<!-- keys: made by python -m bridge_core.config.settings_table -->"
_END = "<!-- end of keys -->"


def markdown_table() -> str:
    """Every key with its default and what it takes, a Markdown table per section."""
    lines: list[str] = []
    for section, model in setting_sections().items():
        lines += ["", f"### `{section}`", ""]
        lines += [" ".join((model.__doc__ or "").split()), ""]
        lines += ["| key | default | takes | what it is for |", "|---|---|---|---|"]
        for key in setting_keys().values():
            if key.section is model:
                default = format_value(key.default).replace(str(default_state_dir()), "STATE")
                cells = (
                    f"`{key.field}`",
                    f"`{default}`",
                    key.accepted_values,
                    key.description.replace("``", "`"),
                )
                lines.append(
                    f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
                )
    return "\n".join([*lines, ""])


def update_document(document: str) -> str:
    """The document with its table made anew.

    :raises ValueError: the marks between which the table stands are not in it.
    """
    head, begin, rest = document.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the document holds no {_BEGIN} and {_END}")
    return f"{head}{_BEGIN}\n{markdown_table()}\n{_END}{tail}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(update_document(path.read_text(encoding="utf-8")), encoding="utf-8")
