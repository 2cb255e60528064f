"""How figures, times and outcomes are said, the same on the command line and in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from emberline.plans.accounts import stock, unit_runs
from emberline.plans.plan import Plan
from emberline.plans.plan import filled as gaps_filled
from emberline.scenarios import Scenario
from emberline.scenarios.metrics import FACTORS, METRICS
from emberline.scenarios.records.goal import Goal
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.messages import say
from emberline.ui.text.metrics import GOALS, NAMES
from emberline.ui.text.numbers import clauses, listed, moment, number, offset, percent, sentence, signed
from emberline.ui.text.rows import CREDITED, MONEY, STOCK, Row, headlines, rows

__all__ = [
    "CREDITED", "MONEY", "STOCK", "Row", "headlines", "moment", "number", "offset", "percent", "rows", "sentence",
    "signed",
]  # fmt: skip

PHASES = {
    "twin": mark("the baseline run"),
    "optimize": mark("search for the best schedule"),
    "replay": mark("the twin follows the schedule"),
    "replays": mark("disturbed replays"),
}
SIGNALS = {"average": mark("average intensity"), "marginal": mark("marginal intensity")}
KINDS = {
    "wait": mark("waited too long"),
    "cast": mark("cast interrupted"),
    "lock": mark("lock not kept"),
    "outage": mark("ran while its unit was not available"),
    "import": mark("import limit exceeded"),
    "export": mark("export limit exceeded"),
    "due": mark("finished too late"),
    "battery": mark("battery could not follow"),
    "asset": mark("asset could not follow"),
    "shortage": mark("shortage"),
    "surplus": mark("surplus that can go nowhere"),
    "level": mark("store outside its band, or below its end level"),
    "unfinished": mark("not finished within the horizon"),
    "process": mark("made less than planned"),
    "delivery": mark("not delivered"),
    "run": mark("run too short"),
    "rest": mark("rest too short"),
    "ramp": mark("rate changed too fast"),
    "stop": mark("planned stop not made"),
    "standstill": mark("stood still though it must run"),
    "energy": mark("energy of a day not drawn as asked for"),
}
"""What a limit is called that a run misses, by its kind."""


class Stated(NamedTuple):
    """A state of a job or of a run in words."""

    word: str
    """As it stands in a table."""
    says: str
    """What has happened, as a sentence."""
    then: str
    """What to do next, as a sentence; empty where nothing is to be done."""


STATES = {
    "queued": Stated(
        mark("waiting"), mark("Waiting for a free worker."),
        mark("It begins by itself; this page may be closed meanwhile."),
    ),
    "working": Stated(
        mark("being made"), mark("A worker is at it."), mark("It goes on when this page is closed or loaded again.")
    ),
    "stored": Stated(mark("kept"), mark("Done and kept."), ""),
    "deleted": Stated(mark("deleted"), mark("It was deleted."), mark("It can be taken back for some days.")),
    "ended": Stated(
        mark("ended without a plan"), mark("It ended without a plan."),
        mark("Plan again: the inputs are kept, the page Plan shows them at the side."),
    ),
    "cancelled": Stated(
        mark("cancelled"), mark("It was ended before anything was found."),
        mark("Plan again, and let it search longer before its best is taken."),
    ),
    "stopped": Stated(
        mark("stopped"), mark("It was stopped."),
        mark("Nothing that it had found is kept; what was asked is, at the side."),
    ),
    "refused": Stated(
        mark("refused"), mark("This cannot be done."), mark("Change what these lines name."),
    ),
    "failed": Stated(
        mark("failed"), mark("It failed: an error in Emberline."),
        mark(
            "What was asked is kept at the side. Where it fails again, give these lines to whoever runs Emberline here."
        ),
    ),
    "broken": Stated(
        mark("lost"), mark("It was lost: its worker died, or was ended."),
        mark("What was asked is kept at the side. Where it is lost again, ask for less or allow more time."),
    ),
}  # fmt: skip
"""States of jobs (``plans/jobs/status.py``) and of runs: what they are called, and what to do next, on every page.

``ended`` is a run without a plan whose job tells nothing, ``cancelled`` a search that was ended too early.
"""

MORE, LESS = mark("{store} {amount} {unit} more"), mark("{store} {amount} {unit} less")
SHOWN = 0.05
"""Least amount that a digit after the point shows."""
MONTH_MIN = 28 * 24 * 60.0
SELDOM = 0.5
"""Share of disturbed replays that hold, below which it is said where a plan is found that holds."""


def seldom_holds(held: int, n: int) -> bool:
    """Whether a plan holds in so few of its disturbed replays that another one should be searched."""
    return held < SELDOM * n


def baseline_note(plan: Plan) -> str | None:
    """What is to be said of the baseline where it does not keep every limit."""
    missed = plan.baseline_figures.unserved
    if missed and plan.scenario.processes:
        return trn(
            "the baseline rules miss deliveries, needs or surpluses once: no saving is told",
            "the baseline rules miss deliveries, needs or surpluses {count} times: no saving is told",
            missed,
        )
    if missed:
        return trn(
            "the baseline misses needs or surpluses once: no saving is reported",
            "the baseline misses needs or surpluses {count} times: no saving is reported",
            missed,
        )
    if plan.baseline_complete:
        return None
    if plan.comparable:
        return tr("the baseline rules do not keep every limit here; the comparison is with what it does")
    made, asked = (number(tonnes, 0) for tonnes in (plan.baseline_figures.tonnes, plan.scenario.tonnes))
    if plan.scenario.processes:
        return tr(
            "the baseline rules deliver {made} of {asked} t, the plan something else: no saving is told",
            made=made, asked=asked,
        )  # fmt: skip
    return tr(
        "the baseline rules make only {made} of {asked} t in time: no saving is told, no cap on extra cost holds",
        made=made, asked=asked,
    )  # fmt: skip


def made(plan: Plan) -> Iterator[tuple[str, str]]:
    """What a plan makes and leaves, as key and text; an empty key belongs to the line above it.

    Of processes: ``delivered``, ``products``, ``units``, what is ``saved`` by tonne. Of all plans, where there is any:
    ``stock``, ``discarded``, ``demand``, ``locks``.
    """
    done, scenario = plan.replay_figures, plan.scenario
    if done is None or plan.replay is None:
        return
    if scenario.processes:
        yield from _of_processes(plan)
    yield from _of_stores(plan)
    yield from _discarded(plan)
    yield from _of_demand(plan)
    if scenario.locks and plan.comparable:
        yield "locks", tr("the baseline keeps the locks too: what they cost is in no saving")


def _of_processes(plan: Plan) -> Iterator[tuple[str, str]]:
    done, scenario = plan.replay_figures, plan.scenario
    assert done is not None
    assert plan.replay is not None
    if done.delivered:
        parts = [f"{name} {number(tonnes, 0)} t" for name, tonnes in done.delivered.items()]
        yield "delivered", tr("{tonnes} t: {parts}", tonnes=number(done.tonnes, 0), parts=shortened(parts))
    parts = [f"{name} {number(kg, 1)} kg CO2e/t" for name, kg in done.stock_kg_per_t.items()]
    if parts:
        signal = tr(SIGNALS[scenario.goal.signal])
        yield "products", tr("{parts}, scope 1 and 2 ({signal})", parts=shortened(parts), signal=signal)
    baseline = unit_runs.counts(scenario, plan.baseline)
    for i, (unit, count) in enumerate(unit_runs.counts(scenario, plan.replay).items()):
        ours, theirs = used(count), used(baseline[unit])
        text = tr("{unit}: {plan}; the baseline's: {baseline}", unit=unit, plan=ours, baseline=theirs)
        yield ("units" if i == 0 else "", text)
    saved = plan.saved()
    if saved and done.tonnes:
        kg, money = (number(saved[name] / done.tonnes, 2) for name in ("carbon_kg", "cost"))
        yield (
            "saved",
            tr(
                "{kg} kg CO2e and {money} {currency} for each tonne delivered",
                kg=kg, money=money, currency=done.currency,
            ),
        )  # fmt: skip


def _of_stores(plan: Plan) -> Iterator[tuple[str, str]]:
    more = plan.stock
    if more is None or not more.any or not plan.comparable:
        return
    parts = [
        tr(MORE if amount > 0 else LESS, store=name, amount=number(abs(amount), digits), unit=unit)
        for name, amount, unit, digits in stock.stock_changes(plan.scenario, more)
    ]
    yield (
        "stock",
        tr(
            "at the end, against the baseline: {parts}; this counts {carbon} t CO2e and {cost} {currency} of what is "
            "saved",
            parts=shortened(parts), carbon=signed(more.carbon_kg / 1000, 2), cost=signed(more.cost, 0),
            currency=plan.scenario.market.currency,
        ),
    )  # fmt: skip
    if more.unknown:
        yield "", tr("not valued, for neither makes any: {names}", names=listed(more.unknown))


def _discarded(plan: Plan) -> Iterator[tuple[str, str]]:
    """What is thrown away for nothing, as carriers with ``waste`` or ``dump`` allow."""
    done, baseline = plan.replay_figures, plan.baseline_figures
    assert done is not None
    parts = []
    for name, carrier in plan.scenario.site.carrier.items():
        ours, theirs = (number(sums.dumped.get(name, 0.0), 1) for sums in (done, baseline))
        if max(sums.dumped.get(name, 0.0) for sums in (done, baseline)) > SHOWN:
            text = tr("{carrier} {plan} {unit} (baseline {baseline})", carrier=name, plan=ours, unit=carrier.unit,
                      baseline=theirs)  # fmt: skip
            parts.append(text)
    if parts:
        yield "discarded", tr("surplus that nobody uses: {parts}", parts=shortened(parts))


def _of_demand(plan: Plan) -> Iterator[tuple[str, str]]:
    """What of the saving is a month's charge on the peak, where a plan covers less than a month."""
    saved, tariff = plan.saved(), plan.scenario.market.tariff
    if not saved.get("demand_cost") or tariff is None:
        return
    if all(charge.assessed == "daily" for charge in tariff.demand) or plan.scenario.horizon.length_min >= MONTH_MIN:
        return
    yield (
        "demand",
        tr(
            "they count for a whole month, of which this plan covers {hours} h, and make {demand} {currency} of the "
            "cost saved; without them {rest} {currency} are saved ({share})",
            demand=number(saved["demand_cost"], 0), currency=plan.scenario.market.currency,
            hours=number(plan.scenario.horizon.length_min / 60, 0), rest=number(saved["cost_without_demand"], 0),
            share=percent(saved["cost_without_demand_share"], 1),
        ),
    )  # fmt: skip


def used(of_unit: unit_runs.Count) -> str:
    """How a unit is used: 3 runs, 2 change-overs, 41.5 h."""
    parts = [trn("{count} run", "{count} runs", of_unit.runs)]
    if of_unit.change_overs:
        parts.append(trn("{count} change-over", "{count} change-overs", of_unit.change_overs))
    return listed([*parts, f"{number(of_unit.hours, 1)} h"])


def shortened(parts: list[str], most: int = 8) -> str:
    """A list in a sentence, not too long."""
    rest, shown = len(parts) - most, listed(parts[:most])
    return shown if rest <= 0 else tr("{parts} and {count} more", parts=shown, count=rest)


def measure(scenario: Scenario) -> tuple[str, float, int]:
    """Unit of measure of the objective as shown, the factor to it, and its digits."""
    metric = METRICS.get(scenario.goal.minimize)
    return ("min", 1.0, 0) if metric is None else metric.shown_in(scenario.market.currency)


def objective(scenario: Scenario, value: float | None) -> str:
    """A value of the objective with its unit."""
    unit, factor, digits = measure(scenario)
    return "–" if value is None else f"{number(value * factor, digits)} {unit}"


def told_status(status: str, found: bool) -> str:
    """A stored status in words: a search that was ended by its user with a plan was not in vain."""
    return tr("taken early") if status == "cancelled" and found else say(status)


def status(plan: Plan) -> str:
    """Status, gap and bound of the search in one sentence."""
    status = told_status(plan.status, plan.found)
    if not plan.found:
        return tr("{status}, no schedule", status=status)
    gap = tr("gap {share} on what can be decided", share=percent(plan.gap))
    gap = tr("no gap proven") if plan.gap is None else gap
    if plan.objective is None or plan.bound is None:
        return tr("{status}, {gap}", status=status, gap=gap)
    best, bound = objective(plan.scenario, plan.objective), objective(plan.scenario, plan.bound)
    if plan.no_lower:
        return tr(
            "{status}, {gap} (of that the plan has {best}; any plan that leaves as much in store as the baseline, "
            "{levels}, at least {bound})",
            status=status, gap=gap, best=best, bound=bound, levels=listed(_levels(plan)),
        )  # fmt: skip
    return tr(
        "{status}, {gap} (of that the plan has {best}, any plan at least {bound})",
        status=status, gap=gap, best=best, bound=bound,
    )  # fmt: skip


def _levels(plan: Plan) -> Iterator[str]:
    units = {store.name: store.unit for store in stock.site_stores(plan.scenario)}
    for name, level in plan.no_lower.items():
        yield f"{name} {number(level, 1)} {units[name]}"


def size(scenario: Scenario) -> str:
    """What a scenario makes, or that it is a site alone."""
    if scenario.heats:
        tonnes = number(scenario.tonnes, 0)
        return trn("{count} heat, {tonnes} t", "{count} heats, {tonnes} t", len(scenario.heats), tonnes=tonnes)
    if scenario.processes:
        return tr(
            "{units} ({names}), {stores}, {tonnes} t to deliver",
            units=trn("{count} unit", "{count} units", len(scenario.process_units)),
            names=listed(process.name for process in scenario.processes),
            stores=trn("{count} store", "{count} stores", len(scenario.stores)), tonnes=number(scenario.tonnes, 0),
        )  # fmt: skip
    return tr(
        "a site without a line: {carriers}, {assets}",
        carriers=trn("{count} carrier", "{count} carriers", len(scenario.site.carrier)),
        assets=trn("{count} asset", "{count} assets", len(scenario.site.assets)),
    )


def compared(scenario: Scenario) -> str:
    """Whom a plan is compared with, and what that counts."""
    who = baseline_name(scenario)
    return clauses([who, tr("stocks are valued")]) if scenario.processes and not scenario.heats else who


def baseline_name(scenario: Scenario) -> str:
    """Who the baseline is."""
    if scenario.heats:
        return tr("the baseline, which makes the same heats by the same due times as soon as possible")
    if scenario.processes:
        return tr("the baseline, which makes what is short and does not look at prices")
    return tr("the baseline, which runs the site by plain rules and does not look ahead")


def goal(asked: Goal) -> str:
    """The goal and its caps in words."""
    words = tr("{goal} ({signal})", goal=tr(GOALS[asked.minimize]), signal=tr(SIGNALS[asked.signal]))
    caps = []
    if asked.caps.extra_cost_share is not None and asked.minimize == "carbon":
        share = percent(asked.caps.extra_cost_share, 1)
        caps.append(tr("cost at most {share} above the baseline's", share=share))
    if asked.caps.carbon_kg is not None:
        caps.append(tr("carbon at most {tonnes} t", tonnes=number(asked.caps.carbon_kg / 1000, 1)))
    if asked.caps.cost is not None:
        caps.append(tr("cost at most {cost}", cost=number(asked.caps.cost, 0)))
    for name, row in FACTORS.items():
        top = getattr(asked.caps, row.cap)
        if top is not None:
            unit, factor, digits = row.shown
            caps.append(
                tr("{what} at most {amount}", what=tr(NAMES[name]), amount=f"{number(top * factor, digits)} {unit}")
            )
    if asked.caps.peak_mw is not None:
        caps.append(tr("peak at most {power} MW", power=number(asked.caps.peak_mw, 1)))
    return clauses([words, *caps])


def span(horizon: Horizon) -> str:
    """Start and end of a horizon, local with offset, and its length."""
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    hours = number(horizon.length_min / 60, 0 if horizon.length_min % 60 == 0 else 2)
    return tr(
        "{first} to {last}, {zone}, {hours} h in steps of {step} min",
        first=moment(first), last=moment(last), zone=horizon.zone, hours=hours, step=f"{horizon.step_min:g}",
    )  # fmt: skip


def violation(found: dict[str, Any], horizon: Horizon) -> str:
    """One violation in words."""
    who = listed(part for part in (found["heat"], found["unit"]) if part)
    told = {
        "what": tr(KINDS.get(found["kind"], found["kind"])), "amount": number(found["amount"], 2),
        "measure": say(found["measure"]), "time": moment(horizon.instant(found["at_min"])),
    }  # fmt: skip
    if who:
        return tr("{what} ({who}) by {amount} {measure}, {time}", who=who, **told)
    return tr("{what} by {amount} {measure}, {time}", **told)


def medians(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """The saving to be expected by the label of its figure, in the figure's unit."""
    factors = {"carbon": ("carbon_kg", 1e-3), "cost": ("cost", 1.0)}
    return {label: found[name]["p50"] * factor for label, (name, factor) in factors.items() if name in found}


def expected(plan: Plan) -> list[str]:
    """The saving to be expected, and the undisturbed one: a line for carbon and one for cost; none where nothing is
    disturbed."""
    found, saved, lines = plan.expected(), plan.saved(), []
    for name, label, unit, factor, digits in (
        ("carbon_kg", mark("carbon"), "t CO2e", 1e-3, 2),
        ("cost", mark("cost"), plan.scenario.market.currency, 1.0, 0),
    ):
        if name not in found or name not in saved:
            continue
        low, middle, high = (number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90"))
        lines.append(
            tr(
                "{figure} {middle} {unit} ({share}), P10 {low} to P90 {high}; undisturbed {plain} {unit} ({whole})",
                figure=tr(label), middle=middle, unit=unit, share=percent(found[name]["share"], 1), low=low, high=high,
                plain=number(saved[name] * factor, digits), whole=percent(saved[f"{name}_share"], 1),
            )
        )  # fmt: skip
    return lines


def filled(scenario: Scenario) -> list[str]:
    """Which series had gaps that were filled."""
    return [
        trn(
            "{series}: {count} value filled, the first at {first}",
            "{series}: {count} values filled, the first at {first}",
            gap["count"], series=name, first=gap["first"],
        )
        for name, gap in gaps_filled(scenario).items()
    ]  # fmt: skip
