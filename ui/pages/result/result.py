"""A stored plan on the page: verdict, figures against the baseline, charts, heats, disturbed days, downloads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import streamlit as st

from emberline.plans.accounts import Ledger, bill
from emberline.plans.exports import FORMATS, export
from emberline.plans.plan import Plan
from emberline.plans.plan import caps as plan_caps
from emberline.plans.store import Store, StoredRun, StoreError
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY
from emberline.ui.charts import plan, site_panels
from emberline.ui.charts.view import View, weeks
from emberline.ui.pages.result import accounts, figures, heats, products, repairs, units
from emberline.ui.pages.session import chart_cache as drawn
from emberline.ui.pages.session import navigation
from emberline.ui.text import wording
from emberline.ui.text.language import current, mark, tr
from emberline.ui.text.messages import say
from emberline.ui.text.speaker import speaker
from emberline.ui.text.wording import filled

TAKEN = ("xlsx", "html", "json")
"""Formats that are at hand below a plan; the page Export has all."""
TABS = {
    "schedule": mark("Schedule"),
    "heats": mark("Heats"),
    "units": mark("Units"),
    "stores": mark("Stores and deliveries"),
    "products": mark("Products"),
    "bill": mark("Bill"),
    "ledger": mark("Carbon ledger"),
    "figures": mark("All figures"),
    "days": mark("Disturbed replays"),
}
MOST_STORES = 8
"""Stores that are drawn unless others are chosen."""


@st.cache_resource(max_entries=16, show_spinner=False)
def opened(run: str) -> StoredRun:
    """A stored run; it never changes, hence shared."""
    return Store().open(run)


@st.cache_resource(max_entries=16, show_spinner=False)
def accounted(run: str) -> tuple[tuple[bill.Bill, bill.Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, the plan's and the baseline's each."""
    made = opened(run).plan
    return accounts.bills(made), accounts.ledgers(made)


@st.cache_resource(max_entries=64, show_spinner=False)
def _cap(run: str) -> float | None:
    """What the cap on extra cost comes to; None: there is none, or the baseline schedule sets none."""
    from emberline import twin

    made = opened(run).plan
    scenario, caps = made.scenario, made.scenario.goal.caps
    if caps.extra_cost_share is None or scenario.goal.minimize != "carbon":
        return None
    alone = scenario.goal.model_copy(update={"caps": caps.model_copy(update={"cost": None})})
    asked = scenario.model_copy(update={"goal": alone}).with_inputs(scenario.inputs)
    return plan_caps.fixed(asked, made.envelope, twin.dispatch(asked, made.envelope)).cost


def _of_cap(made: Plan, cap: float) -> str:
    """What the cap on extra cost comes to, in words: it counts from a baseline that keeps the locks too."""
    paid, currency = made.baseline_figures.cost, made.scenario.market.currency
    share = made.scenario.goal.caps.extra_cost_share or 0.0
    says = tr(
        "Cost at most {cost} {currency}: {share} above the baseline's {paid} {currency}, which keeps the locks too.",
        cost=wording.number(cap, 0), currency=currency, share=wording.percent(share, 1), paid=wording.number(paid, 0),
    )  # fmt: skip
    if wording.number(cap, 0) == wording.number(paid + share * abs(paid), 0):
        return says
    return (
        says + " " + tr("The share is of what can be decided: the carbon price of direct emissions is left out of it.")
    )


def show(run: str) -> None:
    """Draw a stored run."""
    try:
        stored = opened(run)
    except StoreError as error:
        st.warning(str(error))
        return
    made = stored.plan
    _verdict(made, run)
    if made.ruled_out:
        repairs.ask(run)
    figures.show_cards(made)
    if made.replay is None:
        return
    bills, ledgers = accounted(run)
    parts: dict[str, Callable[[], None]] = {
        "schedule": lambda: _schedule(made, run, ledgers[0]),
        "heats": lambda: heats.edit(made, run),
        "units": lambda: units.show_runs(made),
        "stores": lambda: units.show_stores(made, ledgers[0]),
        "products": lambda: products.show_products(made, ledgers),
        "bill": lambda: accounts.show_bill(made, bills),
        "ledger": lambda: accounts.show_ledger(made, ledgers),
        "figures": lambda: figures.show_all(made),
        "days": lambda: figures.show_days(made),
    }
    asked = made.scenario
    # what moves has a store
    wanted = {"heats": asked.heats, "units": asked.processes, "stores": asked.stores, "products": asked.stores}
    parts = {name: draw for name, draw in parts.items() if wanted.get(name, True)}
    for tab, draw in zip(st.tabs([tr(TABS[name]) for name in parts]), parts.values(), strict=True):
        with tab:
            draw()
    _downloads(stored)


def _verdict(made: Plan, run: str) -> None:
    st.subheader(tr("Plan {run}", run=run[:8]), anchor=False)
    st.text(f"{made.scenario.title or made.scenario.name}, {wording.span(made.scenario.horizon)}")
    lines = [
        tr("Goal: {goal}", goal=wording.goal(made.scenario.goal)),
        tr("Status: {status}", status=wording.status(made)),
    ]
    cap = _cap(run) if made.scenario.locks else None
    if cap is not None:
        lines.append(_of_cap(made, cap))
    late = made.late
    lines += [
        f"{'–' if found in late else '✕'} {wording.violation(found, made.scenario.horizon)}"
        for found in made.violations[:12]
    ]
    if len(made.violations) > 12:
        lines.append(tr("and {count} more", count=len(made.violations) - 12))
    if not made.found and made.status == "cancelled":
        lines.append(tr(wording.STATES["cancelled"].then))
    elif not made.found and made.scenario.processes:
        lines.append(
            tr("Loosen what cannot be kept (an end level, a due time, a limit, a cap) or allow more time; plan again.")
        )
    elif not made.found:
        lines.append(
            tr("Loosen what cannot be kept (a lock, a due time, a limit, a cap) or allow more time; plan again.")
        )
    lines += [tr("Filled: {line}", line=line) for line in filled(made.scenario)]
    says = wording.baseline_note(made)
    if says:
        lines.append(wording.sentence(says))
    if made.acceptable and made.holding is not None and wording.seldom_holds(*made.holding):
        lines.append(
            tr("Disturbed it seldom holds: the page Robustness says what breaks it, and searches one that holds.")
        )
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{'✓' if made.acceptable else '✕'}  {say(made.verdict)}")
        st.text("\n".join(lines))


@st.fragment
def _schedule(made: Plan, run: str, book: Ledger) -> None:
    """Charts and what is picked in them; a click draws this part alone."""
    assert made.replay is not None
    scenario = made.scenario
    shown = _chosen(made)
    # a click on a heat tells of it; the line of a site alone has none
    picked: alt.Parameter | None = None
    if scenario.heats:
        heat = heats.pick(made, run)
        picked = heats.selection(run)
        if heat is not None:
            heats.show(made, run, book, heat)
    select: Any = {} if picked is None else {"on_select": "rerun", "selection_mode": heats.PICKED}
    seen = (shown.baseline, shown.view.span_min, heats.begins_with(run), *shown.carriers, "and", *shown.stores)
    with st.container(key="timeline"):
        drawn.chart(
            ("timeline", run, *seen),
            lambda: plan.timeline(made, shown.baseline, shown.view, shown.carriers, shown.stores, picked),
            tr("Who works when, power, carbon intensity, price."), key=heats.chart_key(run), **select,
        )  # fmt: skip
    st.caption(" ".join(_marks(scenario, shown)))


def _marks(scenario: Scenario, shown: Shown) -> Iterator[str]:
    """What the charts' marks mean."""
    if scenario.processes:
        yield tr("Pale bars: starting up, changing over or waiting.")
    if scenario.locks:
        yield tr("A padlock: what you have locked.")
    yield tr("Above nought who gives, below it who takes beside the dark line, which must be met.")
    if scenario.processes:
        yield tr("Stores are drawn as high as they hold, dotted: the level wanted at the end.")
        if any(delivery.amount_t is not None for delivery in scenario.deliveries):
            yield tr("Bars above the deliveries: from release to due of an order.")
    if shown.baseline:
        yield tr("Dashes: the baseline (of electricity: its grid import).")
    if scenario.site.grid.import_limit_mw is not None:
        yield tr("Red dashes: contracted import.")
    if scenario.market.marginal_carbon_intensity_kg_per_mwh is not None:
        yield tr("Intensity: average full, marginal dashed.")
    if shown.view.says:
        yield wording.sentence(shown.view.says)
        yield tr("A blue line: the highest step of the import, shaded: where levels were.")
    yield tr("On the upper chart: Shift and wheel to zoom, drag to move, double click to go back.")


@dataclass(frozen=True)
class Shown:
    """What of a plan the charts show."""

    baseline: bool
    view: View
    carriers: list[str]
    """Beside electricity."""
    stores: list[str]


def _chosen(made: Plan) -> Shown:
    """What the user wants to see of a plan: as long as nobody chooses, what is not too tall for a screen."""
    assert made.replay is not None
    scenario, views = made.scenario, weeks(made.scenario.horizon)
    carriers = [carrier.name for carrier in scenario.site.carriers if carrier.name != ELECTRICITY]
    stores = list(scenario.store)
    chosen, part, which = st.columns([3, 2, 3], vertical_alignment="bottom")
    baseline = chosen.toggle(tr("Show the baseline (thin)"), value=True, key="baseline")
    name = next(iter(views))
    if len(views) > 1:
        name = part.selectbox(tr("Part of the horizon"), list(views), key="part")
    if carriers:
        found = site_panels.balances(scenario, made.replay)
        fuels = site_panels.bought_only(scenario, made.replay)
        drawn = [name for name in carriers if name not in fuels]
        if scenario.processes:
            drawn = [name for name in drawn if found[name].need is not None]
        carriers = which.multiselect(
            tr("Carriers beside electricity"), carriers, default=drawn, key="carriers", placeholder=tr("Choose options")
        )
    if stores:
        stores = st.multiselect(
            tr("Stores"), stores, default=stores[:MOST_STORES], key="stores", placeholder=tr("Choose options")
        )
    return Shown(baseline, views[name], carriers, stores)


def _downloads(stored: StoredRun) -> None:
    st.markdown(f"**{tr('Take it along')}**")
    name = f"emberline-{stored.plan.scenario.name}-{stored.id[:8]}"
    *columns, more = st.columns(len(TAKEN) + 1)
    for column, kind in zip(columns, TAKEN, strict=True):
        column.download_button(
            tr(FORMATS[kind].label), _file(stored, kind), f"{name}.{kind}", FORMATS[kind].mime, on_click="ignore",
            width="stretch", key=f"file.{kind}",
        )  # fmt: skip
    if more.button(tr("More formats"), type="tertiary", icon=":material/arrow_forward:", key="file.more"):
        navigation.go("export")
    st.caption(tr("Run {run}; its address reopens it.", run=stored.id))


def _file(stored: StoredRun, kind: str) -> Callable[[], bytes]:
    """Makes the file when it is asked for, in the language of the page that offers it."""
    words = speaker(current())

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return export(stored, kind, Path(folder) / f"plan.{kind}", speaker=words).read_bytes()

    return make
