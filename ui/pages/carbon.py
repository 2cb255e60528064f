"""The page Carbon: the ledger of what is looked at by scope, time, heat, product; average beside marginal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from emberline.plans.accounts import Ledger, ledger
from emberline.plans.plan import stock_credit
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.metrics import FACTORS
from emberline.ui.charts import carbon
from emberline.ui.charts.view import weeks
from emberline.ui.pages.result import accounts, products, result
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, run_or_baseline
from emberline.ui.pages.session.run_or_baseline import BASELINE, PLAN, Looked
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.metrics import NAMES

WAYS = {
    "average": mark("location, average intensity"),
    "marginal": mark("location, marginal intensity"),
    ledger.MARKET: mark("market, by contracts"),
}
"""The ways to count scope 2 of the grid."""
MORE_STOCK = mark("Stock: what the plan ends with counts more than the baseline's; {carbon} t CO2e are credited to it.")
LESS_STOCK = mark("Stock: what the plan ends with counts less than the baseline's; {carbon} t CO2e are charged to it.")


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Carbon"), anchor=False)
    looked = run_or_baseline.choose("carbon")
    if looked is None:
        return
    scenario = looked.scenario
    st.text(f"{scenario.title or scenario.name}, {wording.span(scenario.horizon)}")
    st.caption(looked.status)
    with st.spinner(tr("The twin simulates the baseline")):
        ours = looked.ledger(looked.policies[0])
    theirs = looked.ledger(BASELINE) if PLAN in looked.policies else None
    signal = _signal(scenario, ours)
    _cards(looked, ours, theirs, signal)
    parts: dict[str, Callable[[], None]] = {
        tr("Over time"): lambda: _over_time(looked, ours, signal),
        tr("By scope and source"): lambda: _entries(ours, theirs),
        tr("Average against marginal"): lambda: _ways(looked, ours, theirs),
    }
    if scenario.heats:
        parts[tr("By heat")] = lambda: _heats(looked, ours, theirs, signal)
    if scenario.processes and looked.made is not None and theirs is not None:
        made = looked.made
        parts[tr("By product")] = lambda: products.show_products(made, (ours, theirs))
    for name in (name for name in in_use(scenario) if name in FACTORS):
        title = tr(NAMES[name])
        parts[title[:1].upper() + title[1:]] = partial(_factors, looked, name)
    for tab, show in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab:
            show()


def _factors(looked: Looked, name: str) -> None:
    """The ledger of a metric that is counted by factors, next to the baseline's."""
    scenario, (unit, factor, digits) = looked.scenario, FACTORS[name].shown_in(looked.scenario.market.currency)
    books = {
        policy: {entry.source: entry for entry in ledger.factors.entries(scenario, looked.run(policy), name)}
        for policy in dict.fromkeys((*looked.policies[:1], BASELINE))
    }
    sources = list(dict.fromkeys(source for book in books.values() for source in book))
    if not sources:
        st.caption(tr("Nothing in this scenario counts towards it."))
        return
    table = pd.DataFrame({tr("source"): [*sources, tr("in all")]})
    for policy, book in books.items():
        amounts = [book[source].amount * factor if source in book else 0.0 for source in sources]
        table[f"{tr(policy)} [{unit}]"] = [*amounts, sum(amounts)]
    draw(table, dict.fromkeys(table.columns[1:], digits))


def _signal(scenario: Scenario, ours: Ledger) -> str:
    given = [name for name in ledger.SIGNALS if name in ours.grid]
    if len(given) < 2:
        return given[0]
    found = st.segmented_control(
        tr("Grid intensity"), given, default=scenario.goal.signal, required=True,
        format_func=lambda name: tr(wording.SIGNALS[name]), key=f"carbon.signal.{scenario.name}",
    )  # fmt: skip
    return str(found or scenario.goal.signal)


def _tonnes_made(scenario: Scenario, book: Ledger) -> float:
    return float(book.by_heat["mass_t"].sum()) if scenario.heats else 0.0


def _comparable(looked: Looked) -> bool:
    """Whether the baseline makes what the plan does; else nothing is saved against it."""
    return looked.made is None or looked.made.comparable


def _credit(looked: Looked, way: str) -> float:
    """What the plan's stock at the end counts more than the baseline's [t CO2e]; negative: less."""
    return 0.0 if looked.made is None else _credited(looked.key[0], way) / 1000


@st.cache_data(max_entries=64, show_spinner=False)
def _credited(run: str, way: str) -> float:
    return stock_credit.credit_kg(result.opened(run).plan, way)


def _shown(tonnes: float) -> bool:
    """Whether an amount is more than nought, as far as the digits tell."""
    return any(digit in "123456789" for digit in wording.number(tonnes, 2))


def _cards(looked: Looked, ours: Ledger, theirs: Ledger | None, signal: str) -> None:
    """Totals, each next to the baseline's; then what stock counts, and both together, as on the page Plan."""
    scenario, whole = looked.scenario, tr("Scope 1 and 2 [t CO2e]")
    credit = _credit(looked, signal) if theirs is not None else 0.0

    def values(book: Ledger) -> dict[str, float | None]:
        found: dict[str, float | None] = {
            tr("Scope 1 [t CO2e]"): book.direct_kg / 1000,
            tr("Scope 2, grid, {way} [t CO2e]", way=tr(signal)): book.grid[signal] / 1000,
        }
        if book.bought:
            found[tr("Scope 2, bought heat [t CO2e]")] = book.bought_kg / 1000
        total = book.total_kg(signal)
        found[whole] = None if total is None else total / 1000
        mass = _tonnes_made(scenario, book)
        if mass and total is not None:
            found[tr("For each tonne of steel [kg CO2e/t]")] = total / mass
        return found

    mine, before = values(ours), values(theirs) if theirs is not None else {}
    if _shown(credit) and _comparable(looked):
        # the scopes add up to the whole, and the whole and the stock to what counts
        total, theirs_all = mine[whole] or 0.0, before[whole] or 0.0
        mine |= {tr("Stock [t CO2e]"): 0.0 - credit, tr("Stock credited [t CO2e]"): total - credit}
        before |= {tr("Stock [t CO2e]"): 0.0, tr("Stock credited [t CO2e]"): theirs_all}
    with st.container(horizontal=True, key="cards"):
        for label, value in mine.items():
            was = before.get(label)
            delta = None if value is None or was is None else value - was
            small = delta is None or not _shown(delta) or not _comparable(looked)
            same = tr("as the baseline") if _comparable(looked) else tr("not comparable")
            st.metric(
                label,
                wording.number(value, 2),
                None if was is None else same if small else _difference(delta or 0.0),
                delta_color="off" if small else "inverse",
                delta_arrow="off" if small else "auto",
                border=True,
            )
    if _shown(credit) and _comparable(looked):
        st.text(tr(MORE_STOCK if credit > 0 else LESS_STOCK, carbon=wording.number(abs(credit), 2)))
    against = tr("The small figures are the difference to the baseline. ") if before else ""
    st.caption(against + tr("The ways to count scope 2 of the grid stand beside each other and are never added."))


def _difference(delta: float) -> str:
    """A difference as a card wants it, which knows which way it went by a plain minus in front."""
    return f"{'-' if delta < 0 else '+'}{wording.number(abs(delta), 2)}"


def _over_time(looked: Looked, ours: Ledger, signal: str) -> None:
    scenario, views = looked.scenario, weeks(looked.scenario.horizon)
    name = next(iter(views))
    if len(views) > 1:
        name = st.selectbox(tr("Part of the horizon"), list(views), key=f"carbon.part.{scenario.name}")
    with st.container(key="timeline"):
        chart_cache.chart(
            ("carbon", *looked.key, signal, views[name].span_min),
            lambda: carbon.by_step(scenario, ours, signal, views[name]),
            tr("Carbon over time; the table below has it by the hour."),
        )
    st.caption(tr("Stacked from below: scope 1, bought heat, grid. Dashed: all of it by the other intensity."))
    with st.expander(tr("By the hour, as a table")):
        hourly = ours.by_hour(scenario.horizon.zone)
        stamps = pd.DatetimeIndex(hourly["time"].to_numpy()).tz_localize("UTC").tz_convert(scenario.horizon.zone)
        table = pd.DataFrame({tr("hour from"): [wording.moment(at.to_pydatetime()) for at in stamps]})
        for column, title in (
            ("direct_kg", tr("scope 1")),
            ("bought_kg", tr("scope 2, bought heat")),
            *((f"grid_{way}_kg", tr(title)) for way, title in WAYS.items()),
        ):
            if column in hourly:
                table[f"{title} [t CO2e]"] = hourly[column].to_numpy() / 1000
        draw(table, dict.fromkeys(table.columns[1:], 3))


def _entries(ours: Ledger, theirs: Ledger | None) -> None:
    table = accounts.ledger_table(ours, theirs or ours)
    if theirs is None:
        own, baseline = (tr(text, unit="t CO2e") for text in (mark("plan [{unit}]"), mark("baseline [{unit}]")))
        table = table.drop(columns=baseline).rename(columns={own: baseline})
    draw(table, {name: count for name, count in accounts.ledger_digits().items() if name in table})
    st.caption(
        tr(
            "Activity times factor is the emission; a factor that changes with time is its mean. Biogenic CO2 is in no "
            "total. Where a factor is from stands beside it."
        )
    )


def _ways(looked: Looked, ours: Ledger, theirs: Ledger | None) -> None:
    """What the run emits by each way to count, and what it saves, stock credited: shifting by one signal may raise
    another."""
    scenario, rows = looked.scenario, []
    ways = [way for way in WAYS if ours.total_kg(way) is not None]
    credits = {way: _credit(looked, way) if theirs is not None else 0.0 for way in ways}
    for way, title in WAYS.items():
        total = ours.total_kg(way)
        if total is None:
            continue
        row: dict[str, object] = {tr("grid counted by"): tr(title), tr("scope 1 and 2 [t CO2e]"): total / 1000}
        before = None if theirs is None else theirs.total_kg(way)
        if before is not None:
            row[tr("baseline [{unit}]", unit="t CO2e")] = before / 1000
            if not _comparable(looked):
                rows.append(row)
                continue
            saved = (before - total) / 1000 + credits[way]
            if any(map(_shown, credits.values())):
                row[tr("stock credited [{unit}]", unit="t CO2e")] = credits[way]
            row[tr("saved [{unit}]", unit="t CO2e")] = saved
            row[tr("saved [{unit}]", unit="%")] = 100_000 * saved / abs(before) if before else 0.0
        rows.append(row)
    table = pd.DataFrame(rows)
    draw(table, dict.fromkeys(table.columns[1:], 2))
    says = tr("The goal counts the {signal}.", signal=tr(wording.SIGNALS[scenario.goal.signal]))
    st.caption(
        says + " " + tr("What is shifted to hours of a low average may meet a high marginal intensity: look at both.")
    )
    if ours.market_says:
        st.text(tr("By contracts, what none covers: {source}", source=ours.market_says))


def _heats(looked: Looked, ours: Ledger, theirs: Ledger | None, signal: str) -> None:
    scenario = looked.scenario
    if len(scenario.heats) <= carbon.MOST_HEATS:
        chart_cache.chart(
            ("carbon of heats", *looked.key, signal), lambda: carbon.heats(scenario, ours, theirs, signal),
            tr("Carbon of each heat; the table below has the same."),
        )  # fmt: skip
        if theirs is not None:
            st.caption(tr("Bars: the plan; grey ticks: the baseline."))
    grades = {heat.name: (heat.order, heat.grade.name) for heat in scenario.heats}
    names = [str(name) for name in ours.by_heat["heat"].values]
    table = pd.DataFrame(
        {
            tr("heat"): names,
            tr("order"): [grades[name][0] for name in names],
            tr("grade"): [grades[name][1] for name in names],
            tr("mass [t]"): ours.by_heat["mass_t"].to_numpy(),
            tr("scope 1 [kg CO2e]"): ours.by_heat["direct_kg"].to_numpy(),
            tr("all [kg CO2e]"): ours.of_heat(signal).to_numpy(),
            "kg CO2e/t": ours.kg_per_t(signal).to_numpy(),
        }
    )
    if theirs is not None:
        table[tr("baseline [{unit}]", unit="kg CO2e/t")] = theirs.kg_per_t(signal).to_series().reindex(names).to_numpy()
    draw(table, dict.fromkeys(table.columns[3:], 1))
    st.caption(
        tr("What the line draws goes to heats by what each draws in a step, what belongs to no heat by their mass.")
    )
