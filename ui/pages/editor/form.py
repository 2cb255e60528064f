"""A draft as a form: sections, and for every field its unit, help and a check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import BaseModel

from emberline.plans.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.reading.document import Keys, dotted, parse, plain
from emberline.scenarios.reading.editing import ABSENT
from emberline.scenarios.records.disturbances import Disturbances
from emberline.scenarios.records.emissions import Accounting
from emberline.scenarios.records.goal import Caps, Goal
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.instants import zones
from emberline.scenarios.records.line import HeatLoss
from emberline.scenarios.records.market import CarbonPrice, Market
from emberline.scenarios.records.scenario import Scenario
from emberline.scenarios.records.site import Battery, Grid, Pv, Site
from emberline.scenarios.records.state import State as PlantState
from emberline.ui.pages.editor.draft import DraftState, set_values
from emberline.ui.pages.editor.fields import SHARE, FormField, as_typed, fields, typed_default
from emberline.ui.text.language import mark, tr


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one record."""

    title: str
    path: Keys
    record: type[BaseModel]


SECTIONS: dict[str, tuple[str, tuple[FieldGroup, ...]]] = {
    "horizon": (
        mark("Horizon"),
        (FieldGroup(mark("Name"), (), Scenario), FieldGroup(mark("Time"), ("horizon",), Horizon)),
    ),
    "goal": (
        mark("Goal"),
        (FieldGroup(mark("What is minimized"), ("goal",), Goal), FieldGroup(mark("Caps"), ("goal", "caps"), Caps)),
    ),
    "market": (
        mark("Market"),
        (
            FieldGroup(mark("Prices and carbon intensity"), ("market",), Market),
            FieldGroup(mark("Carbon price"), ("market", "carbon_price"), CarbonPrice),
        ),
    ),
    "site": (
        mark("Site"),
        (
            FieldGroup(mark("Grid connection"), ("site", "grid"), Grid),
            FieldGroup(mark("Base load"), ("site",), Site),
            FieldGroup(mark("PV plant"), ("site", "pv"), Pv),
            FieldGroup(mark("Battery"), ("site", "battery"), Battery),
        ),
    ),
    "state": (
        mark("State and line"),
        (
            FieldGroup(mark("State at the start of the plan"), ("state",), PlantState),
            FieldGroup(mark("Heat loss while waiting"), ("line", "heat_loss"), HeatLoss),
        ),
    ),
    "disturbances": (mark("Disturbances"), (FieldGroup(mark("Spread and replays"), ("disturbances",), Disturbances),)),
    "accounting": (mark("Accounting"), (FieldGroup(mark("Counting of emissions"), ("emissions",), Accounting),)),
}
"""Title and groups of each section."""
COLUMNS = 3
LONG = ("description",)
"""Fields with several lines of text."""


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the form."""
    if now.data is None:
        st.text(tr("The text is not a YAML mapping, so the form cannot show it. Correct it under Text, or undo."))
        return

    def label(name: str) -> str:
        title, groups = SECTIONS[name]
        wrong = {problem for group in groups for problem in _of_group(now, group)}
        return f"{tr(title)} ✕ {len(wrong)}" if wrong else tr(title)

    section = st.pills(
        tr("Section"), list(SECTIONS), default="horizon", required=True, format_func=label,
        key=f"form.section.{draft.id}", label_visibility="collapsed",
    )  # fmt: skip
    for part in SECTIONS[section or "horizon"][1]:
        if part.path[:1] == ("line",) and now.value(("line",)) is ABSENT:
            continue
        group(draft, now, part)


def _of_group(now: DraftState, group: FieldGroup) -> list[Any]:
    names = {dotted((*group.path, name)) for name in group.record.model_fields}
    return [problem for problem in now.problems if problem.key in names or problem.key == dotted(group.path)]


def group(draft: drafts.Draft, now: DraftState, group: FieldGroup, across: int = COLUMNS) -> None:
    """Draw the fields of one record."""
    currency = now.value(("market", "currency"))
    entries = fields(group.record, currency if isinstance(currency, str) and len(currency) == 3 else "EUR")
    if not entries:
        return
    if group.title:
        st.markdown(f"**{tr(group.title)}**")
    wide = [field for field in entries if field.name in LONG]
    small = [field for field in entries if field.name not in LONG]
    for first in range(0, len(small), across):
        for column, field in zip(st.columns(across, gap="medium"), small[first : first + across], strict=False):
            with column, st.container(gap="xxsmall"):
                _field(draft, now, group, field)
    for field in wide:
        with st.container(gap="xxsmall"):
            _field(draft, now, group, field)
    for problem in now.by_key.get(dotted(group.path), []) if group.path else []:
        st.text(f"✕ {problem.says}")


def _field(draft: drafts.Draft, now: DraftState, group: FieldGroup, field: FormField) -> None:
    path = (*group.path, field.name)
    value = now.value(path)
    key = f"form.{draft.id}.{draft.version}.{dotted(path)}"
    answer = _widget(field, value, key, dotted(path))
    if answer is not None and answer != (None if value is ABSENT else value) and set_values(draft, {path: answer}):
        st.rerun()
    _check(now, group, field, path, value)


def _widget(field: FormField, value: Any, key: str, name: str) -> Any:
    """The typed value; ``ABSENT``: use the default; None: unchanged."""
    label = field.label
    help_text = "  \n".join([*([tr(field.help)] if field.help else []), f"`{name}`"])
    if field.kind in ("choice", "zone"):
        options = list(field.choices) if field.kind == "choice" else sorted(zones())
        current = as_typed(field.default if value is ABSENT else value)
        if current not in options:
            options = [current, *options]
        choice = st.selectbox(label, options, options.index(current), key=key, help=help_text, format_func=_choice)
        return None if choice == current else choice or ABSENT
    if field.kind == "switch":
        current = field.default if value is ABSENT else value
        on = st.toggle(label, value=current is True, key=key, help=help_text)
        return None if on == (current is True) else on
    current = "" if value is ABSENT else as_typed(value)
    default = typed_default(field)
    hint = tr("required") if field.required else tr("default {value}", value=default) if default else tr("none")
    draw = st.text_area if field.name in LONG else st.text_input
    typed = str(draw(label, current, key=key, help=help_text, placeholder=hint) or "").strip()
    if typed == current.strip():
        return None
    return _typed(typed, field.kind)


def _choice(option: str) -> str:
    return option.replace("_", " ") or "–"


def _typed(text: str, kind: str) -> Any:
    if not text:
        return ABSENT
    if kind == "words":
        return text
    if text[0] in "{[":
        try:
            return parse(f"v: {text}").data.get("v", text)
        except ScenarioError:
            return text
    return plain(text)


def _check(now: DraftState, group: FieldGroup, field: FormField, path: Keys, value: Any) -> None:
    """A line below the field: its mistakes, or how the value was understood."""
    problems = now.at(path)
    if problems:
        st.text("\n".join(f"✕ {_cut(problem.key, path)}{problem.says}" for problem in problems[:3]))
        return
    if value is ABSENT or field.kind in ("switch", "choice", "zone"):
        return
    if field.kind == "series" and now.scenario is not None:
        st.text(f"✓ {_span(now.scenario, path)}")
        return
    record: Any = now.scenario
    for part in path:
        record = getattr(record, str(part), None)
    if isinstance(record, int | float) and re.search(r"[A-Za-z%]", str(value)):
        st.caption(f"✓ {record:g} {field.unit if field.unit != SHARE else ''}".rstrip())
    else:
        st.caption("✓")


def _span(scenario: Scenario, path: Keys) -> str:
    """Lowest and highest value of a series, and its source."""
    for name, place, series, _ in scenario.series():
        if place == path and name in scenario.inputs:
            data = scenario.inputs[name]
            values, unit = data.to_numpy(), str(data.attrs["units"]).format(currency=scenario.market.currency)
            return f"{values.min():.4g} … {values.max():.4g} {unit}, {data.attrs.get('source', '')}"
        if place == path:
            return "" if series.value is None else f"{series.value:g}"
    return ""


def _cut(key: str, path: Keys) -> str:
    below = key.removeprefix(dotted(path)).strip(".")
    return f"{below}: " if below else ""
