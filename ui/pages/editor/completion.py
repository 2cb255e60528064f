"""Help while the text is typed: keys of the schema to complete, line numbers, and mistakes at their lines.

The script works on Streamlit's own text field, so that typing, undo and screen readers stay the browser's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from emberline.reports.text.language import tr
from emberline.scenarios import Problem, Scenario
from emberline.scenarios.assets import KINDS
from emberline.scenarios.descriptions import documented
from emberline.scenarios.records.series import Series
from emberline.ui.pages.editor.fields import fields, inner

HTML = (
    '<div class="lines" aria-hidden="true"><div class="roll"></div></div><ul class="keys" role="listbox" hidden></ul>'
)
FIELD = "source.text"
"""Key of the container that holds the text field."""


@cache
def _component() -> Any:
    from streamlit.components.v2 import component

    script, style = (Path(__file__).with_name(f"completion.{end}").read_text(encoding="utf-8") for end in ("js", "css"))
    return component("emberline_completion", html=HTML, css=style, js=script)


@cache
def keys() -> dict[str, dict[str, list[Any]]]:
    """Keys of every record: description, record within, choices; by the record's name, assets by their kind."""
    table: dict[str, dict[str, list[Any]]] = {}

    def add(record: type[BaseModel], name: str) -> str:
        if name in table:
            return name
        table[name] = {}
        within = {entry.name: entry.record for entry in inner(record) if entry.record is not None}
        choices = {field.name: field.choices for field in fields(record, "EUR")}
        for key, field in record.model_fields.items():
            target = within.get(key)
            if choices.get(key) == () and field.annotation is not None and _has_series(field.annotation):
                target = Series
            place = add(target, target.__name__) if target is not None else "asset" if key == "assets" else ""
            table[name][key] = [documented(record).get(key, ""), place, list(choices.get(key, ()))]
        return name

    add(Scenario, "")
    for kind, record in KINDS.items():
        add(record, f"kind {kind}")
    table["asset"] = {"kind": ["", "", list(KINDS)], "name": ["", "", []]}
    return table


def _has_series(annotation: Any) -> bool:
    return annotation is Series or any(_has_series(part) for part in getattr(annotation, "__args__", ()))


def draw(problems: tuple[Problem, ...], key: str) -> None:
    """Attach the help to the text field.

    Args:
        problems: mistakes of the text as typed.
        key: of the text.
    """
    marks: dict[str, str] = {}
    for problem in problems:
        number = problem.where.rpartition(":")[2]
        if number.isdigit():
            says = f"{problem.key}: {problem.says}" if problem.key else problem.says
            marks[number] = f"{marks[number]}\n{says}" if number in marks else says
    data = {"keys": keys(), "marks": marks, "field": f".st-key-{FIELD.replace('.', '-')} textarea", "hint": tr("Keys")}
    _component()(data=data, key=f"{key}.help", height="content")
