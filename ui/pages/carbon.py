"""Page Carbon: the ledger by scope, time, heat and product, with average and marginal intensity side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, emissions, ledger
from emberline.planning.plan import stock_credit
from emberline.reports.charts import carbon
from emberline.reports.text import mark, tr, wording
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import NAMES, in_use
from emberline.scenarios.metrics import FACTORS
from emberline.ui.pages.result import accounts
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, navigation, run_or_baseline, stored_runs, widgets
from emberline.ui.pages.session.run_or_baseline import BASELINE, PLAN, Subject
from emberline.ui.pages.session.widgets import caption, paragraph

WAYS = {
    "average": mark("location, average intensity"),
    "marginal": mark("location, marginal intensity"),
    ledger.MARKET: mark("market, by contracts"),
}
"""Accounting methods for grid scope 2."""
MORE_STOCK = mark("Stock: the plan ends with more than the baseline; {carbon} t CO2e are credited to it.")
LESS_STOCK = mark("Stock: the plan ends with less than the baseline; {carbon} t CO2e are charged to it.")


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Carbon"), anchor=False)
    subject = run_or_baseline.choose("carbon")
    if subject is None:
        return
    scenario = subject.scenario
    st.text(f"{stored_runs.of_scenario(scenario)}, {wording.span(scenario.horizon)}")
    st.caption(subject.status)
    with st.spinner(tr("The twin simulates the baseline")):
        run = subject.ledger(subject.policies[0])
    baseline = subject.ledger(BASELINE) if PLAN in subject.policies else None
    signal = _signal(scenario, run)
    _cards(subject, run, baseline, signal)
    parts: dict[str, Callable[[], None]] = {
        tr("Over time"): lambda: _over_time(subject, run, signal),
        tr("By scope and source"): lambda: _entries(run, baseline),
        tr("Average against marginal"): lambda: _ways(subject, run, baseline),
    }
    for producer in scenario.producers:
        if producer.table == "heats":
            parts[tr("By heat")] = lambda: _heats(subject, run, baseline, signal)
        elif (plan := subject.plan) is not None and baseline is not None:
            parts[tr("By product")] = partial(accounts.show_products, plan, (run, baseline))
        parts[tr("Embedded emissions")] = lambda: accounts.show_embedded(scenario, run, baseline)
    for name in (name for name in in_use(scenario) if name in FACTORS):
        title = tr(NAMES[name])
        parts[title[:1].upper() + title[1:]] = partial(_factors, subject, name)
    navigation.tabs(parts, f"carbon.{'.'.join(subject.key)}")


def _factors(subject: Subject, name: str) -> None:
    """Draw the ledger of a factor-based metric for plan and baseline."""
    scenario, (unit, factor, digits) = subject.scenario, FACTORS[name].display_in(subject.scenario.market.currency)
    books = {
        policy: {entry.source: entry for entry in emissions.entries(scenario, subject.run(policy), name)}
        for policy in dict.fromkeys((*subject.policies[:1], BASELINE))
    }
    sources = list(dict.fromkeys(source for book in books.values() for source in book))
    if not sources:
        caption("Nothing in this scenario counts towards it.")
        return
    table = pd.DataFrame({tr("source"): [*sources, tr("in all")]})
    for policy, book in books.items():
        amounts = [book[source].amount * factor if source in book else 0.0 for source in sources]
        table[f"{tr(policy)} [{unit}]"] = [*amounts, sum(amounts)]
    draw(table, dict.fromkeys(table.columns[1:], digits))


def _signal(scenario: Scenario, run: Ledger) -> str:
    signals = [name for name in ledger.SIGNALS if name in run.grid]
    if len(signals) < 2:
        return signals[0]
    words, key = {name: wording.SIGNALS[name] for name in signals}, f"carbon.signal.{scenario.name}"
    return str(widgets.choose(tr("Grid intensity"), words, scenario.goal.signal, key))


def _comparable(subject: Subject) -> bool:
    """Whether baseline and plan produce the same amounts. Otherwise no saving is defined."""
    return subject.plan is None or subject.plan.comparable


def _credit(subject: Subject, way: str) -> float:
    """Carbon value of the plan's final stock minus that of the baseline [t CO2e]."""
    plan = subject.plan
    if plan is None:
        return 0.0
    return chart_cache.value(("credit", subject.key[0], way), lambda: stock_credit.credit_kg(plan, way)) / 1000


def _visible(tonnes: float) -> bool:
    """Whether an amount is nonzero at the displayed precision."""
    return any(digit in "123456789" for digit in wording.number(tonnes, 2))


def _cards(subject: Subject, run: Ledger, baseline: Ledger | None, signal: str) -> None:
    """Draw the totals compared with the baseline, then the stock credit and the credited total, as on the page Plan."""
    whole = tr("Scope 1 and 2 [t CO2e]")
    credit = _credit(subject, signal) if baseline is not None else 0.0

    def values(book: Ledger) -> dict[str, float | None]:
        figures: dict[str, float | None] = {
            tr("Scope 1 [t CO2e]"): book.direct_kg / 1000,
            tr("Scope 2, grid, {way} [t CO2e]", way=tr(signal)): book.grid[signal] / 1000,
        }
        if book.bought:
            figures[tr("Scope 2, bought heat [t CO2e]")] = book.bought_kg / 1000
        total = book.total_kg(signal)
        figures[whole] = None if total is None else total / 1000
        mass = float(book.by_heat["mass_t"].sum())
        if mass and total is not None:
            figures[tr("Per tonne of product [kg CO2e/t]")] = total / mass
        return figures

    figures_of_run, before = values(run), values(baseline) if baseline is not None else {}
    if _visible(credit) and _comparable(subject):
        # the scopes add up to the total, and total and stock to the credited total
        total, baseline_total = figures_of_run[whole] or 0.0, before[whole] or 0.0
        figures_of_run |= {tr("Stock [t CO2e]"): 0.0 - credit, tr("Stock credited [t CO2e]"): total - credit}
        before |= {tr("Stock [t CO2e]"): 0.0, tr("Stock credited [t CO2e]"): baseline_total}
    with st.container(horizontal=True, key="cards"):
        for label, value in figures_of_run.items():
            was = before.get(label)
            delta = None if value is None or was is None else value - was
            small = delta is None or not _visible(delta) or not _comparable(subject)
            same = tr("as the baseline") if _comparable(subject) else tr("not comparable")
            text = None if was is None else same if small else _difference(delta or 0.0)
            widgets.compared(st, label, wording.number(value, 2), text, small, border=True)
    if _visible(credit) and _comparable(subject):
        paragraph(MORE_STOCK if credit > 0 else LESS_STOCK, carbon=wording.number(abs(credit), 2))
    against = tr("Small figures: difference to the baseline. ") if before else ""
    st.caption(against + tr("The ways to count scope 2 of the grid are alternatives; do not add them."))


def _difference(delta: float) -> str:
    """Format a difference with an ASCII minus sign, which determines the direction of the card's arrow."""
    return f"{'-' if delta < 0 else '+'}{wording.number(abs(delta), 2)}"


def _over_time(subject: Subject, run: Ledger, signal: str) -> None:
    scenario = subject.scenario
    view = chart_cache.part(scenario.horizon, f"carbon.part.{scenario.name}")
    key, build = ("carbon", *subject.key, signal, view.span_min), partial(carbon.by_step, scenario, run, signal, view)
    chart_cache.chart(key, build, tr("Carbon over time; the table below has hourly values."), "timeline")
    caption("Stacked from below: scope 1, bought heat, grid. Dashed: the total with the other grid intensity.")
    with st.expander(tr("Hourly values")):
        hourly = run.by_hour(scenario.horizon.zone)
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


def _entries(run: Ledger, baseline: Ledger | None) -> None:
    table = accounts.ledger_table(run, baseline or run)
    if baseline is None:
        plan, other = (tr(text, unit="t CO2e") for text in (mark("plan [{unit}]"), mark("baseline [{unit}]")))
        table = table.drop(columns=other).rename(columns={plan: other})
    draw(table, {name: count for name, count in accounts.ledger_digits().items() if name in table})
    caption(
        "Emissions are activity times factor; a factor that varies over time is given as its mean. Biogenic "
        "CO2 is not in any total. The last column names the source of the factor."
    )


def _ways(subject: Subject, run: Ledger, baseline: Ledger | None) -> None:
    """Draw emissions and savings of the run for each accounting method, with credited stock. A load shift that lowers
    emissions by one signal may raise emissions by another signal."""
    scenario, rows = subject.scenario, []
    ways = [way for way in WAYS if run.total_kg(way) is not None]
    credits = {way: _credit(subject, way) if baseline is not None else 0.0 for way in ways}
    for way in ways:
        total = run.total_kg(way) or 0.0
        row: dict[str, object] = {tr("grid counted by"): tr(WAYS[way]), tr("scope 1 and 2 [t CO2e]"): total / 1000}
        before = None if baseline is None else baseline.total_kg(way)
        if before is not None:
            row[tr("baseline [{unit}]", unit="t CO2e")] = before / 1000
            if not _comparable(subject):
                rows.append(row)
                continue
            saved = (before - total) / 1000 + credits[way]
            if any(map(_visible, credits.values())):
                row[tr("stock credited [{unit}]", unit="t CO2e")] = credits[way]
            row[tr("saved [{unit}]", unit="t CO2e")] = saved
            row[tr("saved [{unit}]", unit="%")] = 100_000 * saved / abs(before) if before else 0.0
        rows.append(row)
    table = pd.DataFrame(rows)
    draw(table, dict.fromkeys(table.columns[1:], 2))
    text = tr("The goal counts the {signal}.", signal=tr(wording.SIGNALS[scenario.goal.signal]))
    more = tr("Shifting to hours of low average intensity may hit hours of high marginal intensity: check both.")
    st.caption(f"{text} {more}")
    if run.market_says:
        paragraph("Uncontracted energy is counted with: {source}", source=run.market_says)


def _heats(subject: Subject, run: Ledger, baseline: Ledger | None, signal: str) -> None:
    scenario = subject.scenario
    if len(scenario.heats) <= carbon.MAX_HEATS:
        chart_cache.chart(
            ("carbon of heats", *subject.key, signal), lambda: carbon.heats(scenario, run, baseline, signal),
            tr("Carbon of each heat; the table below has the same values."),
        )  # fmt: skip
        if baseline is not None:
            caption("Bars: the plan; grey ticks: the baseline.")
    grades = {heat.name: (heat.order, heat.grade.name) for heat in scenario.heats}
    names = [str(name) for name in run.by_heat["heat"].values]
    table = pd.DataFrame(
        {
            tr("heat"): names,
            tr("order"): [grades[name][0] for name in names],
            tr("grade"): [grades[name][1] for name in names],
            tr("mass [t]"): run.by_heat["mass_t"].to_numpy(),
            tr("scope 1 [kg CO2e]"): run.by_heat["direct_kg"].to_numpy(),
            tr("all [kg CO2e]"): run.of_heat(signal).to_numpy(),
            "kg CO2e/t": run.kg_per_t(signal).to_numpy(),
        }
    )
    if baseline is not None:
        before = baseline.kg_per_t(signal).to_series().reindex(names)
        table[tr("baseline [{unit}]", unit="kg CO2e/t")] = before.to_numpy()
    draw(table, dict.fromkeys(table.columns[3:], 1))
    caption("The line's electricity is allocated to heats by what each draws in a step, everything else by mass.")
