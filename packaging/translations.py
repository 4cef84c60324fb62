"""Collects the panel's texts in a catalogue for Qt Linguist; existing translations are kept.

    python packaging/translations.py de        # ui/bridge_ui/translations/shotbridge_de.ts

Qt's own ``lupdate`` cannot: it takes a text's context from the class around it and knows nothing
of ``tr_count`` (see :mod:`bridge_ui.core.translate`). Linguist and ``lrelease`` do the rest.
"""

from __future__ import annotations

import argparse
import ast
import os
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from bridge_ui.core.translate import CONTEXT

REPO = Path(__file__).parents[1]
SOURCE_FOLDERS = (REPO / "ui", REPO / "plugins")
CATALOGUES = REPO / "ui" / "bridge_ui" / "translations"

#: Which arguments of our functions are texts.
TEXTS = {"tr": slice(0, 1), "tr_count": slice(1, 3)}


def collect_texts() -> dict[str, list[tuple[Path, int]]]:
    """Every text, with the files and lines that use it.

    :raises SystemExit: a text that is not a literal cannot be collected.
    """
    texts: defaultdict[str, list[tuple[Path, int]]] = defaultdict(list)
    own = REPO / "ui" / "bridge_ui" / "core" / "translate.py"
    files = {path for folder in SOURCE_FOLDERS for path in folder.rglob("*.py")}
    for file in sorted(files - {own}):
        for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for text in node.args[TEXTS.get(node.func.id, slice(0))]:
                    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
                        raise SystemExit(f"{file}:{text.lineno}: not a text: {ast.unparse(text)}")
                    texts[text.value].append((file, text.lineno))
    return texts


def write(catalogue: Path, language: str) -> None:
    """Rewrite the catalogue. Translations of texts that are no longer used are kept as vanished,
    as Qt's tools do."""
    messages = ET.parse(catalogue).iter("message") if catalogue.exists() else ()
    old = {str(one.findtext("source")): one.find("translation") for one in messages}
    root = ET.Element("TS", version="2.1", language=language)
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    texts = collect_texts()
    for text in [*texts, *sorted(old.keys() - texts.keys())]:
        before = old.get(text)
        if text not in texts and (before is None or not before.text):
            continue
        message = ET.SubElement(context, "message")
        for file, line in texts.get(text, ()):
            name = Path(os.path.relpath(file, catalogue.parent)).as_posix()
            ET.SubElement(message, "location", filename=name, line=str(line))
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        translation.text = before.text if before is not None else None
        if text not in texts:
            translation.set("type", "vanished")
        elif not translation.text or (before is not None and before.get("type") == "unfinished"):
            translation.set("type", "unfinished")
    ET.indent(root, " " * 4)
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    body = ET.tostring(root, encoding="unicode")
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'
    catalogue.write_text(f"{head}{body}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("language", help="as in de or pt_BR")
    parser.add_argument("--into", type=Path, default=CATALOGUES, help="another folder")
    given = parser.parse_args()
    write(given.into / f"shotbridge_{given.language}.ts", given.language)
