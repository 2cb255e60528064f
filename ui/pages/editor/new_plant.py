"""A new plant: from a template with typical figures, from a meter's file, or from an empty flow sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st

from emberline.reports.text import charges, tr, trn, wording
from emberline.runs.store import drafts
from emberline.scenarios import Scenario, ScenarioError, loads
from emberline.scenarios.importing import LARGEST_MB, Imported
from emberline.scenarios.importing.meter_file import by_meter, last_days, load_of
from emberline.scenarios.importing.reading import display_name
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.records.instants import zones
from emberline.scenarios.templates import plants as templates

OPEN = "new.plant"
"""In the session: whether the choice of templates is open."""
LOAD = "load"
ACROSS = 4
Begin = Callable[[str, str, Path | None, dict[str, str]], None]
"""Function that creates a draft from a text, its origin, a folder of series, and further series by file name suffix."""


def button(key: str) -> None:
    """Draw the button that opens the choice of templates."""
    if st.button(tr("New plant"), key=key, width="stretch", icon=":material/add:"):
        st.session_state[OPEN] = True
        st.rerun()


def open_now() -> bool:
    """Whether the choice of templates is open."""
    return bool(st.session_state.get(OPEN))


def show(begin: Begin) -> None:
    """Draw the choice of a template.

    Args:
        begin: function that creates the draft.
    """
    title, back = st.columns([6, 1], vertical_alignment="center")
    title.subheader(tr("New plant"), anchor=False)
    if back.button(tr("Cancel"), key="new.cancel", width="stretch"):
        st.session_state[OPEN] = False
        st.rerun()
    st.text(tr("Choose what comes closest. Every figure can be changed; typical ones are marked, with their source."))
    choice = _choose()
    with st.container(border=True):
        name, zone, load = st.columns([2, 2, 3], gap="medium")
        typed = name.text_input(tr("Name"), placeholder=tr(templates.TITLES[choice][0]), key="new.name", max_chars=60)
        places = sorted(zones())
        usual = str(parse(templates.template(choice)).data["horizon"]["zone"])
        place = zone.selectbox(tr("Time zone"), places, places.index(usual), key="new.zone")
        file = load.file_uploader(
            tr("Meter file of the site, if there is one: CSV, Excel or Parquet, at most {most} MB", most=LARGEST_MB),
            key="new.meter", max_upload_size=LARGEST_MB,
        )  # fmt: skip
        series = None if file is None else _load(file.getvalue(), display_name(file.name), place, choice)
        wrong = file is not None and series is None
        if choice == templates.METER and file is None:
            st.text(tr("Without a file, a constant load stands in its place; import it later under Series."))
        if st.button(tr("Create"), type="primary", key="new.create", disabled=wrong):
            _create(begin, choice, typed.strip(), place, series)


def _choose() -> str:
    """Draw the templates as cards and return the chosen one."""
    choice = str(st.session_state.setdefault("new.template", templates.TEMPLATES[0]))
    for first in range(0, len(templates.TEMPLATES), ACROSS):
        for column, name in zip(st.columns(ACROSS), templates.TEMPLATES[first : first + ACROSS], strict=False):
            with column.container(border=True, height="stretch"):
                title, description = templates.TITLES[name]
                if st.button(
                    tr(title), key=f"new.template.{name}", width="stretch",
                    type="primary" if name == choice else "secondary",
                    icon=":material/check:" if name == choice else None,
                ):  # fmt: skip
                    st.session_state["new.template"] = name
                    st.rerun()
                st.caption("  \n".join([tr(description), *charges.lines(_template(name))]))
    return choice


@cache
def _template(name: str) -> Scenario:
    return loads(templates.template(name))


def _load(content: bytes, name: str, zone: str, template: str) -> Imported | None:
    """Read the load from a meter file and describe it. If this fails, draw the reason and return None."""
    try:
        series = load_of(content, name, zone)
        days = last_days(series, zone, int(parse(templates.template(template)).data["horizon"]["days"]))
    except ScenarioError as error:
        for problem in error.problems[:3]:
            st.text(f"✕ {problem}")
        st.text(tr("Create the plant without the file, and import it under Series, where you can say how to read it."))
        return None
    low, high = (wording.number(float(value), 2) for value in (series.values.min(), series.values.max()))
    text = tr(
        "{count} values of {minutes} min, {low} to {high} MW; the plan is over {length} from {start}.",
        count=len(series.values), minutes=f"{series.mapping.interval_min:g}", low=low, high=high,
        length=trn("{count} day", "{count} days", days["days"]), start=days["start"],
    )  # fmt: skip
    st.text(f"✓ {text}")
    for remark in series.remarks:
        st.text(str(remark))
    return series


def _create(begin: Begin, choice: str, typed: str, zone: str, series: Imported | None) -> None:
    title = typed or tr(templates.TITLES[choice][0])
    name = re.sub(r"[^A-Za-z0-9]+", "-", typed).strip("-").lower()[:60] or choice
    text = templates.start(choice, name, title)
    files: dict[str, str] = {}
    if series is not None:
        files = {"csv": series.csv()}
        text = by_meter(text, series, drafts.file_names(LOAD, files)["csv"], zone)
    else:
        data = parse(text).data
        text = revised(text, data | {"horizon": data["horizon"] | {"zone": zone}})
    st.session_state[OPEN] = False
    begin(text, title, None, files)
