"""A stored plan on the page: verdict, figures, charts, heats, disturbed days, downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from emberline.planning.accounts import Ledger
from emberline.planning.plan import Plan, violations
from emberline.planning.plan import caps as plan_caps
from emberline.reports.charts import gantt, process_panels, site_panels
from emberline.reports.charts import plan as plan_charts
from emberline.reports.charts.view import View, weeks
from emberline.reports.exports import FORMATS
from emberline.reports.text import charges, mark, say, tr, wording
from emberline.reports.text.activities import replay_of
from emberline.reports.text.wording import filled
from emberline.runs.store import StoredRun
from emberline.scenarios import Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.checking.uncounted import uncounted
from emberline.ui.pages.result import accounts, answer, board, heats, repairs, units, zoom
from emberline.ui.pages.session import chart_cache, navigation, stored_runs

MAX_MISSED = 8
BUTTONS = ("xlsx", "html", "json")
"""Formats offered below a plan; the page Export has all."""


@st.cache_resource(max_entries=64, show_spinner=False)
def _cap(run: str) -> float | None:
    """Amount of the cap on extra cost; None if there is none."""
    from emberline import twin

    plan = stored_runs.open_run(run).plan
    scenario, caps = plan.scenario, plan.scenario.goal.caps
    if caps.extra_cost_share is None or scenario.goal.minimize != "carbon":
        return None
    alone = scenario.goal.model_copy(update={"caps": caps.model_copy(update={"cost": None})})
    variant = scenario.model_copy(update={"goal": alone})
    return plan_caps.fixed(variant, plan.envelope, twin.dispatch(variant, plan.envelope)).cost


def _of_cap(plan: Plan, cap: float) -> str:
    """The cap on extra cost in words; it refers to a baseline that respects the locks too."""
    paid, currency = plan.baseline_figures.cost, plan.scenario.market.currency
    share = plan.scenario.goal.caps.extra_cost_share or 0.0
    text = tr(
        "Cost at most {cost} {currency}: {share} above the baseline's {paid} {currency}, which respects the locks "
        "too.",
        cost=wording.number(cap, 0), currency=currency, share=wording.percent(share, 1), paid=wording.number(paid, 0),
    )  # fmt: skip
    if wording.number(cap, 0) == wording.number(paid + share * abs(paid), 0):
        return text
    return text + " " + tr("The share excludes the carbon price of direct emissions, which are fixed.")


def show_headline(run: str) -> StoredRun | None:
    """Draw the title of a stored run and what it comes to; None: it cannot be read, and the page says why."""
    stored = stored_runs.readable(run)
    if stored is None:
        return None
    answer.show_title(stored.plan.scenario, run)
    _verdict(stored.plan, run)
    return stored


def show(stored: StoredRun) -> None:
    """Draw the rest of a stored run, below its headline."""
    plan, run = stored.plan, stored.id
    if plan.replay is None:
        repairs.offer_back(run)
        if plan.status != "cancelled":
            repairs.ask(run)
        answer.show_baseline(plan)
        _baseline(plan, run)
        return
    answer.show(plan, run)
    bills, ledgers = stored_runs.bills_and_ledgers(run)
    parts: dict[str, Callable[[], None]] = {mark("Schedule"): lambda: _schedule(plan, run, ledgers[0])}
    for producer in plan.scenario.producers:
        parts |= DETAILS[producer.table](plan, run, ledgers)
    parts |= {
        mark("Bill"): lambda: accounts.show_bill(plan, bills),
        mark("Carbon ledger"): lambda: accounts.show_ledger(plan, ledgers),
        mark("All figures"): lambda: _figures(plan, run),
        mark("Disturbed replays"): lambda: answer.show_days(plan),
        mark("About this plan"): lambda: _about(plan, run),
    }
    tabs = {tr(name): draw for name, draw in parts.items()}
    navigation.tabs(tabs, f"result.{run}", always=(tr("Schedule"), tr("Heats")))
    _downloads(stored)


def _of_runs(plan: Plan, run: str, ledgers: tuple[Ledger, Ledger]) -> dict[str, Callable[[], None]]:
    parts: dict[str, Callable[[], None]] = {mark("Units"): lambda: units.show_runs(plan)}
    if plan.scenario.stores:
        parts[mark("Stores and deliveries")] = lambda: units.show_stores(plan, ledgers[0])
        parts[mark("Products")] = lambda: accounts.show_products(plan, ledgers)
    return parts


DETAILS: dict[str, Callable[[Plan, str, tuple[Ledger, Ledger]], dict[str, Callable[[], None]]]] = {
    "heats": lambda plan, run, _: {mark("Heats"): lambda: heats.edit(plan, run)},
    "runs": _of_runs,
}
"""Details by the name of their tab, by the table of a producer."""


def _verdict(plan: Plan, run: str) -> None:
    """Draw the result of the plan in a sentence, and its violations; without a plan, limits that can be relaxed."""
    first = answer.of_run(run)
    lines = _missed(plan, plan.violations)
    if not plan.has_schedule:
        lines += [*_relax(plan), *_notes(plan, run)]
    short = plan.holding is not None and not plan.holding.reached
    with st.container(key="verdict", gap="xxsmall"):
        if first is not None:
            answer.show_headline(first, rest=False, holds="holding" not in first.headline.worse)
        if not plan.acceptable or plan.late or plan.reason or short or plan.omissions:
            st.text(say(plan.verdict) if plan.acceptable else f"✕  {say(plan.verdict)}")
        for line in (*charges.cut_month(plan.scenario), *map(say, uncounted(plan.scenario))):
            st.caption(f"⚠ {wording.sentence(line)}")
        if lines:
            st.caption(answer.plain("\n".join(lines)).replace("\n", "  \n"))


def _missed(plan: Plan, violations: Sequence[dict[str, Any]]) -> list[str]:
    """Missed limits, a line each; those that are only late have a sign of their own."""
    late = plan.late
    lines = [
        f"{'–' if violation in late else '✕'} {wording.violation(violation, plan.scenario.horizon)}"
        for violation in violations[:MAX_MISSED]
    ]
    more = len(violations) - MAX_MISSED
    return [*lines, tr("and {count} more", count=more)] if more > 0 else lines


RELAX = {
    "heats": mark(
        "Relax one of these limits (a lock, a due time, a limit, a cap) or allow more time; then plan again."
    ),
    "runs": mark(
        "Relax one of these limits (an end level, a due time, a limit, a cap) or allow more time; then plan again."
    ),
}
LEGEND = {
    "heats": mark(
        "Padlock: locked by you. Dashed edge and !: others must move; solid red edge and ✕: impossible there."
    ),
    "runs": mark("Pale bars: starting up, changing over or waiting."),
}
"""Texts by the table of a producer; a site alone has those of heats."""


def _relax(plan: Plan) -> Iterator[str]:
    """Advice for a run without a plan, one line each."""
    if plan.status == "cancelled":
        yield tr(wording.STATES["cancelled"].then)
        return
    yield from [tr(RELAX[producer.table]) for producer in plan.scenario.producers] or [tr(RELAX["heats"])]


def _notes(plan: Plan, run: str) -> Iterator[str]:
    """Further notes on a plan: goal, status, cap, filled gaps, baseline, holding."""
    yield tr("Goal: {goal}", goal=wording.goal(plan.scenario.goal, plan.scenario.market.currency))
    if answer.of_run(run) is None:
        yield tr("Status: {status}", status=wording.status(plan))
    cap = _cap(run) if plan.scenario.locks else None
    if cap is not None:
        yield _of_cap(plan, cap)
    yield from (tr("Gaps filled: {line}", line=line) for line in filled(plan.scenario))
    text = wording.baseline_note(plan)
    if text:
        yield wording.sentence(text)
    yield from map(wording.sentence, wording.holding(plan))


def _about(plan: Plan, run: str) -> None:
    """The other sentences of the headline, notes, and remarks on stock and locks."""
    first = answer.of_run(run)
    if first is not None:
        st.text(" ".join(map(say, first.lines[1:])))
    st.text("\n".join(_notes(plan, run)))
    answer.show_remarks(plan)
    st.text(tr("Compared with {whom}.", whom=wording.comparison(plan)))


def _figures(plan: Plan, run: str) -> None:
    answer.show_all(plan)
    first = answer.of_run(run)
    if first is not None and first.causes:
        answer.table(first)


def _baseline(plan: Plan, run: str) -> None:
    """Draw the baseline where there is no plan, and the limits that it misses."""
    lines = _missed(plan, violations(plan.baseline))
    st.markdown(f"**{tr('The baseline, as far as it goes')}**")
    if lines:
        st.text("\n".join(lines))
    scenario, view = plan.scenario, View.of(plan.scenario.horizon)
    if any(producer.units for producer in scenario.producers):
        chart_cache.chart(
            ("baseline only", run),
            lambda: plan_charts.below_each_other([gantt.of_run(scenario, plan.baseline, None, view, "baseline")], view),
            tr("Operations of each unit in the baseline."),
        )  # fmt: skip


@st.fragment
def _schedule(plan: Plan, run: str, book: Ledger) -> None:
    """Charts and the selected heat; a click redraws only this part."""
    scenario = plan.scenario
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        cards = [CARDS[producer.table](plan, run, book) for producer in scenario.producers]
        selection = _select(plan, run)
    for draw_card in cards:
        board.show(plan, run, selection.view, selection.baseline, zoom.begins_with(run))
        draw_card()
    baseline, view, carriers, stores, parts = selection
    draw = partial(plan_charts.timeline, plan, baseline, view, carriers, stores, parts)
    stands_for = ("timeline", run, baseline, view.span_min, *parts, "and", *carriers, "and", *stores)
    text = tr("Operations of each unit, power, carbon intensity, price.")
    chart_cache.chart(stands_for, draw, text, "timeline", key=f"timeline.{run}.{zoom.count(run)}")
    st.caption(" ".join(_marks(scenario, selection)))
    chart_cache.say_sources(scenario)
    board.refresh(run)


CARDS: dict[str, Callable[[Plan, str, Ledger], Callable[[], None]]] = {
    "heats": lambda plan, run, book: partial(heats.show, plan, run, book, heats.pick(plan, run)),
    "runs": lambda plan, run, _: partial(units.show, plan, run),
}
"""By the table of a producer: draws the choice of a heat, where a click on the board is not the only one, and returns
what draws its card."""


def _marks(scenario: Scenario, selection: Selection) -> Iterator[str]:
    """Legend of the charts' marks."""
    yield from (tr(LEGEND[producer.table]) for producer in scenario.producers)
    yield from plan_charts.marks(scenario, selection.view, selection.baseline)
    if "stores" in selection.parts:
        yield tr(
            "Stores are scaled to their capacity; band: where the baseline keeps them; dotted: required at the end."
        )
        if any(delivery.amount_t is not None for delivery in scenario.deliveries):
            yield tr("Bars above the deliveries: from release to due time of an order.")
    yield tr("The line under the pointer is the same moment in all charts.")


class Selection(NamedTuple):
    """Parts of a plan that the charts show."""

    baseline: bool
    view: View
    carriers: list[str]
    """Carriers other than electricity."""
    stores: list[str]
    parts: list[str]
    """Panels, of ``charts.plan.PARTS``."""


WHOLE = ""


def _select(plan: Plan, run: str) -> Selection:
    """The user's choice of charts; by default what fits on a screen."""
    horizon = plan.scenario.horizon
    span = zoom.current(run, horizon)
    days = zoom.days(horizon) or {name: view.span_min for name, view in list(weeks(horizon).items())[1:]}
    place = f"part.{run}.{zoom.count(run)}"
    if days:
        names = [WHOLE, *days]
        now = next((name for name, of in days.items() if of == span), WHOLE if span is None else None)

        def choose() -> None:
            zoom.show(run, days.get(str(st.session_state[place] or "")))

        st.selectbox(
            tr("Part of the horizon"), names, index=None if now is None else names.index(now), key=place, width=190,
            format_func=lambda name: name or tr("the whole horizon"), on_change=choose, label_visibility="collapsed",
            placeholder=tr("a part"),
        )  # fmt: skip
    if span is not None and st.button(tr("Whole horizon"), key=f"whole.{run}"):
        zoom.show(run, None)
        st.rerun(scope="fragment")
    baseline = st.toggle(tr("Show the baseline (thin)"), value=True, key="baseline")
    with st.popover(tr("Panels")):
        parts, carriers, stores = _panels(plan)
    return Selection(baseline, zoom.view(run, horizon), carriers, stores, parts)


def _panels(plan: Plan) -> tuple[list[str], list[str], list[str]]:
    """Panels, carriers and stores to show."""
    scenario = plan.scenario
    offered = list(plan_charts.parts(scenario))
    first = [name for name in st.query_params.get("panels", "").split(",") if name in offered]
    default = first or list(plan_charts.parts(scenario, first=True))
    several = partial(st.multiselect, placeholder=tr("Choose options"))
    words = {name: tr(plan_charts.PARTS[name]) for name in offered}
    parts = several(tr("Panels"), offered, default=default, key="panels", format_func=words.__getitem__)
    if parts != default or first:
        st.query_params["panels"] = ",".join(parts)
    carriers = [carrier.name for carrier in scenario.site.carriers if carrier.name != ELECTRICITY]
    stores = list(scenario.store)
    if carriers:
        balances = site_panels.balances(scenario, replay_of(plan))
        fuels = site_panels.bought_only(scenario, replay_of(plan))
        defaults = [name for name in carriers if name not in fuels]
        if scenario.processes:
            defaults = [name for name in defaults if balances[name].need is not None]
        carriers = several(tr("Carriers other than electricity"), carriers, default=defaults, key="carriers")
    if stores:
        stores = several(tr("Stores"), stores, default=stores[: process_panels.MAX_STORES], key="stores")
    return parts, carriers, stores


def _downloads(stored: StoredRun) -> None:
    st.markdown(f"**{tr('Export this plan')}**")
    *columns, more = st.columns(len(BUTTONS) + 1)
    for column, kind in zip(columns, BUTTONS, strict=True):
        stored_runs.download(stored, kind, tr(FORMATS[kind].label), f"file.{kind}", column)
    if more.button(tr("More formats"), type="tertiary", icon=":material/arrow_forward:", key="file.more"):
        navigation.go("export")
    st.caption(tr("Run {run}; this address reopens it.", run=stored.id))
