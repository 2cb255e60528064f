"""Form view of a draft: sections of fields, each field with its unit, help and check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import BaseModel

from emberline.reports.text import mark, tr, trn, wording
from emberline.runs.store import drafts
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.reading.document import Keys, dotted, parse
from emberline.scenarios.reading.editing import ABSENT
from emberline.scenarios.records.instants import zones
from emberline.ui.pages.editor import fields
from emberline.ui.pages.editor.draft import EXAMPLES, DraftState, set_values, source_of, state
from emberline.ui.pages.session.widgets import caption, paragraph


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one record."""

    title: str
    path: Keys
    kind: type[BaseModel] | None = None
    """The record, if it does not follow from the path."""
    only: tuple[str, ...] = ()
    """Fields to draw; all if empty."""

    @property
    def record(self) -> type[BaseModel]:
        """The record."""
        record = self.kind or fields.record_at(self.path)
        assert record is not None
        return record


PRACTICE, BETWEEN = "practice", " › "
SECTIONS = {
    "horizon": mark("Horizon"),
    "goal": mark("Goal"),
    "market": mark("Market"),
    "site": mark("Site"),
    "state": mark("State and line"),
    PRACTICE: mark("Today's practice (baseline)"),
    "disturbances": mark("Breakdowns and disturbances"),
    "accounting": mark("Accounting"),
}
GROUPS: dict[str, tuple[FieldGroup, ...]] = {
    "horizon": (FieldGroup(mark("Name"), ()), FieldGroup(mark("Time"), ("horizon",))),
    "goal": (FieldGroup(mark("What is minimized"), ("goal",)), FieldGroup(mark("Caps"), ("goal", "caps"))),
    "market": (FieldGroup(mark("Prices and carbon intensity"), ("market",)),),
    "site": (
        FieldGroup(mark("Grid connection"), ("site", "grid")),
        FieldGroup(mark("Base load"), ("site",)),
        FieldGroup(mark("PV plant"), ("site", "pv")),
        FieldGroup(mark("Battery"), ("site", "battery")),
    ),
    "state": (
        FieldGroup(mark("State at the start of the plan"), ("state",)),
        FieldGroup(mark("Heat loss while waiting"), ("line", "heat_loss")),
    ),
    PRACTICE: (),
    "disturbances": (FieldGroup(mark("Disturbances: breakdowns, delays, missed deliveries"), ("disturbances",)),),
    "accounting": (FieldGroup(mark("Counting of emissions"), ("emissions",)),),
}
"""Groups of each section. The groups of today's practice depend on the draft (``practice``)."""
WITHIN = ("market", "disturbances")
"""Sections whose record contains nested records or lists."""
LINKS: dict[Keys, tuple[str, str]] = {
    ("site", "grid"): (mark("Price of electricity: market or tariff"), "market"),
    ("market",): (mark("Import limit and meter: grid connection"), "site"),
}
"""Related settings that users look for at a path, and the section that contains them."""
COLUMNS = 3
NONE = re.compile(r"(?:[nN]one: |未给出：|不填：)([^.;。；]+)")
"""Phrases in field descriptions that explain a missing value."""
FORMER = (("Disturbances", "hold"),)
"""Records and fields of earlier releases. They are shown only if they have a value."""
LONG = ("description",)
"""Fields with several lines of text."""


def show(draft: drafts.Draft, now: DraftState) -> str:
    """Draw the form and return the section shown."""
    if now.data is None:
        paragraph("The text is not a YAML mapping, so the form cannot show it. Correct it under Text, or undo.")
        return ""

    def label(name: str) -> str:
        wrong = {problem for group in _groups(now, name) for problem in _of_group(now, group)}
        title = tr(SECTIONS[name])
        return f"{title} ✕ {len(wrong)}" if wrong else title

    key = f"form.section.{draft.id}"
    st.session_state.setdefault(key, st.session_state.get(f"{key}.last", "horizon"))
    section = str(st.pills(
        tr("Section"), list(SECTIONS), required=True, format_func=label, key=key, label_visibility="collapsed"
    ))  # fmt: skip
    st.session_state[f"{key}.last"] = section
    if section == PRACTICE:
        _practice(draft, now)
    for part in GROUPS[section]:
        if part.path[:1] == ("line",) and now.value(("line",)) is ABSENT:
            continue
        group(draft, now, part)
        if part.path in LINKS:
            text, other = LINKS[part.path]
            link(draft, tr(text), other)
    return section


def link(draft: drafts.Draft, label: str, section: str) -> None:
    """Draw a button that opens a section of the form from any view of the draft."""
    st.button(
        label, type="tertiary", icon=":material/arrow_forward:", key=f"link.{section}", on_click=_show_section,
        args=(draft.id, section),
    )  # fmt: skip


def _show_section(draft: str, section: str) -> None:
    st.session_state[f"view.{draft}"] = "form"
    st.session_state[f"form.section.{draft}"] = section


def _groups(now: DraftState, section: str) -> tuple[FieldGroup, ...]:
    return tuple(part for _, part in practice(now)) if section == PRACTICE else GROUPS[section]


def practice(now: DraftState) -> Iterator[tuple[str, FieldGroup]]:
    """Fields that describe today's practice, by store or process: levels, usual rates and fuels."""
    for path in _items(now, ("stores",)):
        yield _name(now, path), FieldGroup("", path, only=("keep_low", "keep_high"))
    for process in _items(now, ("processes",)):
        for path in (process, *_items(now, (*process, "modes"))):
            names = [_name(now, part) for part in dict.fromkeys((process, path))]
            if isinstance(now.value((*path, "rate")), dict):
                yield BETWEEN.join(names), FieldGroup("", (*path, "rate"), only=("usual",))
            fuels = _items(now, (*path, "heat", "fuels"))
            for fuel in fuels if len(fuels) > 1 else ():
                yield BETWEEN.join([*names, _name(now, fuel, "carrier")]), FieldGroup("", fuel, only=("share",))


def _items(now: DraftState, path: Keys) -> list[Keys]:
    """Paths of the items of a list."""
    return [(*path, i) for i in range(len(now.items(path)))]


def _name(now: DraftState, path: Keys, field: str = "name") -> str:
    name = now.value((*path, field))
    return f"{int(path[-1]) + 1}" if name is ABSENT else str(name)


def _practice(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the rules of the baseline and their values."""
    if now.scenario is not None:
        paragraph("Savings are measured against {who}.", who=wording.baseline_name(now.scenario))
    values = list(practice(now))
    if not values:
        paragraph("It has no values of its own.")
        return
    paragraph(
        "A unit starts when the store that it fills is below its lower level, and stops when that is above its "
        "upper level or a store that it takes from is below its lower one. What is to be delivered, and the level "
        "at the end, come first. Set the values to what your shift does today."
    )
    caption(
        "The plan need not keep these levels. If your shift already rests in dear hours: each plan of processes is "
        "compared with such a simple rule as well."
    )
    for name, part in values:
        title, place = st.columns([1, 3], vertical_alignment="center")
        title.text(name)
        with place:
            group(draft, now, part, across=2)


def _of_group(now: DraftState, group: FieldGroup) -> list[Any]:
    if group.path == ("market",):  # nested records are drawn below
        return now.at(group.path)
    names = {dotted((*group.path, name)) for name in group.only or group.record.model_fields}
    return [problem for problem in now.problems if problem.key in names or problem.key == dotted(group.path)]


def group(
    draft: drafts.Draft, now: DraftState, group: FieldGroup, across: int = COLUMNS, *, brief: bool = False
) -> None:
    """Draw the fields of one record.

    Args:
        draft: the draft to edit.
        now: state of the draft.
        group: the record and its path.
        across: number of fields in a row.
        brief: whether to collapse fields without a value.
    """
    entries = fields.fields(group.record, now.currency)
    if not entries:
        return
    if group.title:
        st.markdown(f"**{tr(group.title)}**")
    entries = tuple(
        field for field in entries
        if (not group.only or field.name in group.only)
        and ((group.record.__name__, field.name) not in FORMER or _value(now, group, field) is not ABSENT)
    )  # fmt: skip
    wide = [field for field in entries if field.name in LONG]
    small = [field for field in entries if field.name not in LONG]
    small = [field for field in small if field.widget != "rate" or not isinstance(_value(now, group, field), dict)]
    visible = [field for field in small if not brief or field.required or _value(now, group, field) is not ABSENT]
    _grid(draft, now, group, visible, across)
    remaining = [field for field in small if field not in visible]
    if remaining:
        with st.expander(
            trn("{count} more field", "{count} more fields", len(remaining)), key=f"more.{dotted(group.path)}"
        ):
            _grid(draft, now, group, remaining, across)
    for field in wide:
        with st.container(gap="xxsmall"):
            _field(draft, now, group, field)
    of_record = [problem for problem in now.problems if group.path and problem.key == dotted(group.path)]
    for problem in of_record:
        st.text(f"✕ {problem.says}")


def _value(now: DraftState, group: FieldGroup, field: fields.FormField) -> Any:
    return now.value((*group.path, field.name))


def _grid(
    draft: drafts.Draft, now: DraftState, group: FieldGroup, entries: list[fields.FormField], across: int
) -> None:
    for first in range(0, len(entries), across):
        for column, field in zip(st.columns(across, gap="medium"), entries[first : first + across], strict=False):
            with column, st.container(gap="xxsmall"):
                _field(draft, now, group, field)


def _field(draft: drafts.Draft, now: DraftState, group: FieldGroup, field: fields.FormField) -> None:
    path = (*group.path, field.name)
    value = now.value(path)
    key = f"form.{draft.id}.{draft.version}.{dotted(path)}"
    answer = _widget(field, value, key, dotted(path), _names(now, field.name))
    if answer is not None and answer != (None if value is ABSENT else value):
        values: dict[Keys, Any] = {}
        if field.name == "name" and group.path and now.data is not None:
            before = now.value(group.path[:-1])
            if isinstance(before, list):
                after = [row | {"name": answer} if i == group.path[-1] else row for i, row in enumerate(before)]
                values = fields.renamed(now.data, group.path[:-1], before, after)
        if set_values(draft, {**values, path: answer}):
            st.rerun()
    _check(draft, now, group, field, path, value)


def _names(now: DraftState, field: str) -> list[str]:
    """Names that a field may refer to; empty if they cannot be listed."""
    if field == "store":
        return now.names("stores")
    if field in fields.REFERENCES["carriers"]:
        return [ELECTRICITY, *now.names("site", "carriers")]
    if field in fields.REFERENCES["stages"]:
        return now.names("line", "stages")
    return []


def _widget(field: fields.FormField, value: Any, key: str, name: str, names: list[str]) -> Any:
    """Draw the widget of a field and return the typed value: ``ABSENT`` for the default, None if unchanged.

    A field that refers to a name is a choice if the names can be listed."""
    about = "  \n".join([*([tr(field.help)] if field.help else []), f"`{name}`"])
    if field.widget == "switch":
        current = field.default if value is ABSENT else value
        on = st.toggle(field.label, value=current is True, key=key, help=about)
        return None if on == (current is True) else on
    options = sorted(zones()) if field.widget == "zone" else names if field.widget == "words" else list(field.choices)
    if options:
        return _select(field, value, key, about, options)
    return _input(field, value, key, about, str if field.widget == "words" else _typed)


def _select(field: fields.FormField, value: Any, key: str, about: str, options: list[str]) -> Any:
    current = fields.as_typed(field.default if value is ABSENT else value)
    if current not in options:
        options = [current, *options]
    words = _goal if field.name == "minimize" else _choice
    choice = st.selectbox(field.label, options, options.index(current), key=key, help=about, format_func=words)
    return None if choice == current else choice or ABSENT


def _input(field: fields.FormField, value: Any, key: str, about: str, read: Callable[[str], Any]) -> Any:
    whole = isinstance(value, dict)  # a series: its source is shown below; a constant typed here replaces the series
    current = "" if value is ABSENT or whole else fields.as_typed(value)
    default = tr("a series; type a constant instead") if whole else fields.typed_default(field)
    text = NONE.search(tr(field.help)) if field.help else None
    without = text[1] if text is not None else tr("none")
    hint = tr("required") if field.required else tr("default {value}", value=default) if default else without
    hint = default if whole else hint
    draw = st.text_area if field.name in LONG else st.text_input
    typed = str(draw(field.label, current, key=key, help=about, placeholder=hint) or "").strip()
    if typed == current.strip():
        return None
    return read(typed) if typed else ABSENT


def _choice(option: str) -> str:
    return option.replace("_", " ") or "–"


def _goal(option: str) -> str:
    return tr(GOALS[option]) if option in GOALS else _choice(option)


def _typed(text: str) -> Any:
    if text[0] in "{[":
        try:
            return parse(f"v: {text}").data.get("v", text)
        except ScenarioError:
            return text
    return fields.value_of(text)


def _check(
    draft: drafts.Draft, now: DraftState, group: FieldGroup, field: fields.FormField, path: Keys, value: Any
) -> None:
    """Draw a line below the field with its mistakes or with the value as it was read."""
    problems = now.at(path)
    if problems:
        st.text("\n".join(f"✕ {_cut(problem.key, path)}{problem.says}" for problem in problems[:3]))
        return
    if value is ABSENT and group.only and fields.typed_default(field):
        st.caption(f"✓ {tr('typical')}", help=tr("A typical value, not yours: it counts where none is typed."))
    if value is ABSENT or field.widget in fields.FIXED:
        return
    remark = source_of(now, state(str(draft.folder / draft.texts[0])), path, value)
    if field.widget == "series" and now.scenario is not None:
        st.caption(f"✓ {_span(now.scenario, path)}", help=remark or None)
        return
    if remark:
        example = remark.startswith(EXAMPLES)
        st.caption(f"✓ {tr('example') if example else tr('typical')}", help=remark)
        return
    record: Any = now.scenario
    for part in path:
        record = getattr(record, str(part), None)
    if isinstance(record, int | float) and re.search(r"[A-Za-z%]", str(value)):
        st.caption(f"✓ {record:g} {field.unit if field.unit != fields.SHARE else ''}".rstrip())
    else:
        st.caption("✓")


def _span(scenario: Case, path: Keys) -> str:
    """Lowest and highest values of a series, and its source."""
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
