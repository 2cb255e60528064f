"""A draft as a form: sections of the nouns, every field with its unit, its help and a check beside it."""

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
from emberline.ui.pages.editor.draft import State, set_values
from emberline.ui.pages.editor.fields import SHARE, FieldOf, fields, shown_default, written
from emberline.ui.text.language import mark, tr


@dataclass(frozen=True)
class Group:
    """Fields of one record."""

    title: str
    path: Keys
    record: type[BaseModel]


SECTIONS: dict[str, tuple[str, tuple[Group, ...]]] = {
    "horizon": (
        mark("Horizon"),
        (Group(mark("What it is called"), (), Scenario), Group(mark("Time"), ("horizon",), Horizon)),
    ),
    "goal": (
        mark("Goal"),
        (Group(mark("What is minimized"), ("goal",), Goal), Group(mark("Caps"), ("goal", "caps"), Caps)),
    ),
    "market": (
        mark("Market"),
        (
            Group(mark("Prices and carbon intensity"), ("market",), Market),
            Group(mark("Carbon price"), ("market", "carbon_price"), CarbonPrice),
        ),
    ),
    "site": (
        mark("Site"),
        (
            Group(mark("Grid connection"), ("site", "grid"), Grid),
            Group(mark("Base load"), ("site",), Site),
            Group(mark("PV plant"), ("site", "pv"), Pv),
            Group(mark("Battery"), ("site", "battery"), Battery),
        ),
    ),
    "state": (
        mark("State and line"),
        (
            Group(mark("State when the plan begins"), ("state",), PlantState),
            Group(mark("Heat lost while waiting"), ("line", "heat_loss"), HeatLoss),
        ),
    ),
    "disturbances": (mark("Disturbances"), (Group(mark("Spread and replays"), ("disturbances",), Disturbances),)),
    "accounting": (mark("Accounting"), (Group(mark("How emissions are counted"), ("emissions",), Accounting),)),
}
"""The form: title and groups of each section."""
COLUMNS = 3
LONG = ("description",)
"""Fields of more than a line."""


def show(draft: drafts.Draft, now: State) -> None:
    """Draw the form."""
    if now.data is None:
        st.text(tr("The text is no YAML mapping, so that no form can show it. Correct it under Text, or undo."))
        return

    def called(name: str) -> str:
        title, groups = SECTIONS[name]
        wrong = {problem for group in groups for problem in _of_group(now, group)}
        return f"{tr(title)} ✕ {len(wrong)}" if wrong else tr(title)

    section = st.pills(
        tr("Section"), list(SECTIONS), default="horizon", required=True, format_func=called,
        key=f"form.section.{draft.id}", label_visibility="collapsed",
    )  # fmt: skip
    for group in SECTIONS[section or "horizon"][1]:
        if group.path[:1] == ("line",) and now.value(("line",)) is ABSENT:
            continue
        _group(draft, now, group)


def _of_group(now: State, group: Group) -> list[Any]:
    names = {dotted((*group.path, name)) for name in group.record.model_fields}
    return [problem for problem in now.problems if problem.key in names or problem.key == dotted(group.path)]


def _group(draft: drafts.Draft, now: State, group: Group) -> None:
    currency = now.value(("market", "currency"))
    own = fields(group.record, currency if isinstance(currency, str) and len(currency) == 3 else "EUR")
    if not own:
        return
    st.markdown(f"**{tr(group.title)}**")
    wide = [field for field in own if field.name in LONG]
    small = [field for field in own if field.name not in LONG]
    for first in range(0, len(small), COLUMNS):
        for column, field in zip(st.columns(COLUMNS, gap="medium"), small[first : first + COLUMNS], strict=False):
            with column, st.container(gap="xxsmall"):
                _field(draft, now, group, field)
    for field in wide:
        with st.container(gap="xxsmall"):
            _field(draft, now, group, field)
    for problem in now.by_key.get(dotted(group.path), []) if group.path else []:
        st.text(f"✕ {problem.says}")


def _field(draft: drafts.Draft, now: State, group: Group, field: FieldOf) -> None:
    path = (*group.path, field.name)
    value = now.value(path)
    key = f"form.{draft.id}.{draft.version}.{dotted(path)}"
    found = _widget(field, value, key, dotted(path))
    if found is not None and found != (None if value is ABSENT else value) and set_values(draft, {path: found}):
        st.rerun()
    _check(now, group, field, path, value)


def _widget(field: FieldOf, value: Any, key: str, name: str) -> Any:
    """The value that was typed; ``ABSENT``: the default counts; None: nothing was changed."""
    label = field.label
    said = "  \n".join([*([tr(field.help)] if field.help else []), f"`{name}`"])
    if field.kind in ("choice", "zone"):
        options = list(field.choices) if field.kind == "choice" else sorted(zones())
        shown = written(field.default if value is ABSENT else value)
        if shown not in options:
            options = [shown, *options]
        chosen = st.selectbox(label, options, options.index(shown), key=key, help=said, format_func=_choice)
        return None if chosen == shown else chosen or ABSENT
    if field.kind == "switch":
        shown = field.default if value is ABSENT else value
        on = st.toggle(label, value=shown is True, key=key, help=said)
        return None if on == (shown is True) else on
    shown = "" if value is ABSENT else written(value)
    default = shown_default(field)
    hint = tr("required") if field.required else tr("default {value}", value=default) if default else tr("none")
    draw = st.text_area if field.name in LONG else st.text_input
    typed = str(draw(label, shown, key=key, help=said, placeholder=hint) or "").strip()
    if typed == shown.strip():
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


def _check(now: State, group: Group, field: FieldOf, path: Keys, value: Any) -> None:
    """A line below the field: what is wrong, or how it was understood."""
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
    """Lowest and highest value of a series, and where it is from."""
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
