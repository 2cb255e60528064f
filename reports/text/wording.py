"""Text for figures, times and outcomes, shared by the command line and the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from emberline.planning.accounts import site_stores, stock, unit_runs
from emberline.planning.plan import Plan, violations
from emberline.planning.plan import filled as gaps_filled
from emberline.planning.plan.replays import of_days
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, listed, moment, number, offset, percent, sentence, signed
from emberline.scenarios import Case, Scenario
from emberline.scenarios.case.scenario import ProcessNetwork, ProductionLine
from emberline.scenarios.goal_metrics import SIGNALS, goal_first, goal_text
from emberline.scenarios.metrics import METRICS, legible_bound
from emberline.scenarios.records.goal import Goal
from emberline.scenarios.records.horizon import Horizon

__all__ = ["SIGNALS", "moment", "number", "offset", "percent", "sentence", "signed"]

PHASES = {
    "twin": mark("the baseline run"),
    "optimize": mark("search for the best schedule"),
    "replay": mark("replay of the schedule in the twin"),
    "replays": mark("disturbed replays"),
    "choices": mark("short searches for the other goals"),
}
HOLDING_PHASES = {
    "draft": mark("the draft is made; now it is tried on disturbed days, and margins are learnt until it holds"),
    "round": mark("round {round}: held in {held} of {of} disturbed replays"),
    "no plan": mark("round {round}: no plan with these margins"),
    "judge": mark("the plan is judged on new days"),
}
"""Progress messages of the search for a robust plan."""
KINDS = {
    "wait": mark("waited too long"),
    "cast": mark("cast interrupted"),
    "lock": mark("lock not respected"),
    "outage": mark("ran while its unit was not available"),
    "import": mark("import limit exceeded"),
    "export": mark("export limit exceeded"),
    "due": mark("finished too late"),
    "battery": mark("battery could not follow"),
    "both ways": mark("battery or store filled and emptied at once"),
    "asset": mark("asset could not follow"),
    "shortage": mark("shortage"),
    "surplus": mark("surplus without a use"),
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
"""Names of violations by kind."""


class StateText(NamedTuple):
    """Text for the state of a job or run."""

    word: str
    """Label in tables."""
    says: str
    """Sentence about what has happened."""
    then: str
    """Sentence that says what to do next; empty if nothing needs to be done."""


STATES = {
    "queued": StateText(
        mark("waiting"), mark("Waiting for a free worker."), mark("It starts by itself; you can close this page.")
    ),
    "working": StateText(
        mark("running"), mark("Running."), mark("It runs in the background; you can close this page.")
    ),
    "stored": StateText(mark("stored"), mark("Finished and stored."), ""),
    "deleted": StateText(mark("deleted"), mark("It was deleted."), mark("It can be restored for some days.")),
    "ended": StateText(
        mark("ended without a plan"),
        mark("It ended without a plan."),
        mark("Plan again: the inputs are kept at the side of the page Plan."),
    ),
    "cancelled": StateText(
        mark("cancelled"),
        mark("It was cancelled before a plan was found."),
        mark("Plan again, and let the search run longer before you take its result."),
    ),
    "stopped": StateText(mark("stopped"), mark("It was stopped."), mark("Inputs kept, result discarded.")),
    "refused": StateText(mark("refused"), mark("This is not possible."), mark("Change what these lines name.")),
    "failed": StateText(
        mark("failed"),
        mark("It failed because of an error in Emberline."),
        mark("The inputs are kept at the side. If it fails again, send these lines to whoever runs Emberline here."),
    ),
    "broken": StateText(
        mark("lost"),
        mark("It was lost: its worker died or was ended."),
        mark("The inputs are kept at the side. If it is lost again, reduce the request or allow more time."),
    ),
}
"""Texts for the states of jobs (``runs/jobs/status.py``) and runs, with the next action; used by every page.

``ended`` is a run without a plan whose job reports nothing; ``cancelled`` is a search that was stopped too early.
"""

MORE, LESS = mark("{store} {amount} {unit} more"), mark("{store} {amount} {unit} less")
VISIBLE = 0.05
"""Smallest amount that is visible with one decimal place."""
MAX_MISSED = 2
"""Maximum number of missed baseline limits named in a note."""
SELDOM = 0.5
"""A robust plan is suggested if the plan holds in a smaller share of the disturbed replays than this."""


def seldom_holds(holds: int, n: int) -> bool:
    """Return whether a plan holds in so few disturbed replays that a robust plan should be suggested."""
    return holds < SELDOM * n


def baseline_note(plan: Plan) -> str | None:
    """Return a note on the baseline if it does not meet every limit."""
    missed, text_of = plan.baseline_figures.unserved, _plant_texts(plan.scenario)[-1]
    if missed:
        return text_of.unserved(missed)
    if plan.baseline_complete:
        return None
    missed_limits = [violation(row, plan.scenario.horizon) for row in violations(plan.baseline)]
    if plan.comparable and missed_limits:
        text = trn("the baseline misses a limit here", "the baseline misses {count} limits here", len(missed_limits))
        text = f"{text}: {clauses(missed_limits[:MAX_MISSED])}"
        return text if plan.schedule is None else f"{text}. {tr('The plan is compared with it all the same.')}"
    if plan.comparable:
        return tr("the baseline does not meet every limit here; the plan is compared with it all the same")
    output, demand = (number(tonnes, 0) for tonnes in (plan.baseline_figures.tonnes, plan.scenario.tonnes))
    return tr(text_of.short, made=output, asked=demand)


def outcomes(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the products and stock of a plan as pairs of key and text; an empty key continues the line above.

    Keys for processes: ``delivered``, ``products``, ``units``. For all plans, if any: ``stock``, ``discarded``,
    ``locks``.
    """
    figures, scenario = plan.replay_figures, plan.scenario
    if figures is None or plan.replay is None:
        return
    for text_of in _plant_texts(scenario):
        yield from text_of.outcomes(plan)
    yield from _of_stores(plan)
    yield from _discarded(plan)
    if scenario.locks and plan.comparable:
        yield (
            "locks",
            tr(
                "in the disturbed replays the baseline respects the locks too; headline and figures are against one "
                "without"
            ),
        )


def stock_note(plan: Plan) -> str:
    """Return the difference in final stocks from the baseline and its value; empty if there is none."""
    more = plan.stock
    if more is None or not more.any or not plan.comparable:
        return ""
    parts = [
        tr(MORE if amount > 0 else LESS, store=name, amount=number(abs(amount), digits), unit=unit)
        for name, amount, unit, digits in stock.stock_changes(plan.scenario, more)
    ]
    return tr(
        "at the end, compared with the baseline: {parts}; this changes the saving by {carbon} t CO2e and "
        "{cost} {currency}",
        parts=shortened(parts), carbon=signed(more.carbon_kg / 1000, 2), cost=signed(more.cost, 0),
        currency=plan.scenario.market.currency,
    )  # fmt: skip


def _of_stores(plan: Plan) -> Iterator[tuple[str, str]]:
    note = stock_note(plan)
    if note:
        yield "stock", note
        if plan.stock is not None and plan.stock.unknown:
            yield "", tr("without a value, since neither makes any: {names}", names=listed(plan.stock.unknown))


def _discarded(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the unused surplus of carriers that have ``waste`` or ``dump``."""
    figures, baseline = plan.replay_figures, plan.baseline_figures
    assert figures is not None
    parts = []
    for name, carrier in plan.scenario.site.carrier.items():
        ours, theirs = (number(sums.dumped.get(name, 0.0), 1) for sums in (figures, baseline))
        if max(sums.dumped.get(name, 0.0) for sums in (figures, baseline)) > VISIBLE:
            text = tr("{carrier} {plan} {unit} (baseline {baseline})", carrier=name, plan=ours, unit=carrier.unit,
                      baseline=theirs)  # fmt: skip
            parts.append(text)
    if parts:
        yield "discarded", tr("surplus without a use: {parts}", parts=shortened(parts))


def used(of_unit: unit_runs.Count) -> str:
    """Describe the use of a unit, such as "3 runs, 2 change-overs, 41.5 h"."""
    parts = [trn("{count} run", "{count} runs", of_unit.runs)]
    if of_unit.change_overs:
        parts.append(trn("{count} change-over", "{count} change-overs", of_unit.change_overs))
    return listed([*parts, f"{number(of_unit.hours, 1)} h"])


def shortened(parts: list[str], most: int = 8) -> str:
    """Join a list in a sentence, limited to a number of parts."""
    remaining, text = len(parts) - most, listed(parts[:most])
    return text if remaining <= 0 else tr("{parts} and {count} more", parts=text, count=remaining)


def measure(scenario: Scenario) -> tuple[str, float, int]:
    """Return the display unit of the objective, the conversion factor and the number of digits."""
    metric = METRICS.get(scenario.goal.minimize)
    return ("min", 1.0, 0) if metric is None else metric.display_in(scenario.market.currency)


def objective(scenario: Scenario, value: float | None) -> str:
    """Format a value of the objective with its unit."""
    unit, factor, digits = measure(scenario)
    return "–" if value is None else f"{number(value * factor, digits)} {unit}"


def bound(scenario: Scenario, best: float | None, value: float | None) -> str:
    """Format a bound with its unit, to be shown next to the objective of the best plan."""
    _, factor, digits = measure(scenario)
    return objective(scenario, legible_bound(best, value, 10**-digits / factor))


def status_text(status: str, has_plan: bool) -> str:
    """Return a stored status in words; a search that its user stopped after a plan was found counts as successful."""
    return tr("stopped early") if status == "cancelled" and has_plan else say(status)


def status(plan: Plan) -> str:
    """Describe status, gap, objective and bound of the search in one sentence."""
    status = status_text(plan.status, plan.has_schedule)
    if not plan.has_schedule:
        return tr("{status}, no schedule", status=status)
    if not plan.acceptable:
        return tr("the schedule cannot be carried out")
    if plan.gap is None:
        status = tr("{status}, no gap proven", status=status)
    else:
        step = plan.bound_covers.step_min
        gap = tr("within {share} of the best possible (proven)", share=percent(plan.gap))
        if step is not None:
            gap = tr(
                "within {share} of the best possible on {step}-minute steps (proven)",
                share=percent(plan.gap), step=f"{step:g}",
            )  # fmt: skip
        status = gap if plan.status == "within gap" else tr("{status}, {gap}", status=status, gap=gap)
    if plan.objective is None or plan.bound is None:
        return status
    best = objective(plan.scenario, plan.objective)
    values = {"best": best, "bound": bound(plan.scenario, plan.objective, plan.bound)}
    text = tr("{status}; objective {best}, bound {bound}, fixed emissions and costs left out", status=status, **values)
    if not plan.no_lower:
        return text
    return clauses([text, tr("the bound is for plans that end with at least {levels}", levels=listed(_levels(plan)))])


def _levels(plan: Plan) -> Iterator[str]:
    units = {store.name: store.unit for store in site_stores.site_stores(plan.scenario)}
    for name, level in plan.no_lower.items():
        yield f"{name} {number(level, 1)} {units[name]}"


def size(scenario: Case) -> str:
    """Describe the production of a scenario, or the size of its site."""
    return clauses(text_of.size(scenario) for text_of in _plant_texts(scenario))


def comparison(plan: Plan) -> str:
    """Describe the reference that a plan is compared with."""
    scenario = plan.scenario
    if plan.as_run is not None:
        return tr("the day as it was run, by {log}", log=plan.as_run.log)
    return baseline_name(scenario)


def baseline_name(scenario: Scenario) -> str:
    """Describe the baseline."""
    return clauses(tr(text_of.baseline) for text_of in _plant_texts(scenario))


class _SiteText:
    """Sentences about a site without production; subclasses override those that differ."""

    baseline = mark("the baseline, which runs the site by simple rules without looking ahead")
    short = mark(
        "the baseline makes only {made} of {asked} t in time: no saving is reported, and the cap on extra cost does "
        "not apply"
    )

    def unserved(self, missed: int) -> str:
        return trn(
            "the baseline misses needs or surpluses once: no saving is reported",
            "the baseline misses needs or surpluses {count} times: no saving is reported",
            missed,
        )

    def size(self, scenario: Case) -> str:
        return tr(
            "a site without a line: {carriers}, {assets}",
            carriers=trn("{count} carrier", "{count} carriers", len(scenario.site.carrier)),
            assets=trn("{count} asset", "{count} assets", len(scenario.site.assets)),
        )

    def outcomes(self, plan: Plan) -> Iterator[tuple[str, str]]:
        return iter(())


class _LineText(_SiteText):
    """Sentences about a line and its heats."""

    baseline = mark("the baseline, which makes the same heats by the same due times as soon as possible")

    def size(self, scenario: Case) -> str:
        tonnes = number(scenario.tonnes, 0)
        return trn("{count} heat, {tonnes} t", "{count} heats, {tonnes} t", len(scenario.heats), tonnes=tonnes)


class _NetworkText(_SiteText):
    """Sentences about processes, their stores and deliveries."""

    baseline = mark("the baseline, which refills stores when they run low and ignores prices")
    short = mark("the baseline delivers {made} of {asked} t, the plan another amount: no saving is reported")

    def unserved(self, missed: int) -> str:
        return trn(
            "the baseline misses deliveries, needs or surpluses once: no saving is reported",
            "the baseline misses deliveries, needs or surpluses {count} times: no saving is reported",
            missed,
        )

    def size(self, scenario: Case) -> str:
        return tr(
            "{units} ({names}), {stores}, {tonnes} t to deliver",
            units=trn("{count} unit", "{count} units", len(scenario.process_units)),
            names=listed(process.name for process in scenario.processes),
            stores=trn("{count} store", "{count} stores", len(scenario.stores)), tonnes=number(scenario.tonnes, 0),
        )  # fmt: skip

    def outcomes(self, plan: Plan) -> Iterator[tuple[str, str]]:
        figures, scenario = plan.replay_figures, plan.scenario
        assert figures is not None
        assert plan.replay is not None
        if figures.delivered:
            parts = [f"{name} {number(tonnes, 0)} t" for name, tonnes in figures.delivered.items()]
            yield "delivered", tr("{tonnes} t: {parts}", tonnes=number(figures.tonnes, 0), parts=shortened(parts))
        parts = [f"{name} {number(kg, 1)} kg CO2e/t" for name, kg in figures.stock_kg_per_t.items()]
        if parts:
            signal = tr(SIGNALS[scenario.goal.signal])
            yield "products", tr("{parts}, scope 1 and 2 ({signal})", parts=shortened(parts), signal=signal)
        baseline = unit_runs.counts(scenario, plan.baseline)
        for i, (unit, count) in enumerate(unit_runs.counts(scenario, plan.replay).items()):
            ours, theirs = used(count), used(baseline[unit])
            text = tr("{unit}: {plan}; baseline: {baseline}", unit=unit, plan=ours, baseline=theirs)
            yield ("units" if i == 0 else "", text)


TEXTS: dict[type, _SiteText] = {ProductionLine: _LineText(), ProcessNetwork: _NetworkText()}


def _plant_texts(scenario: Scenario) -> list[_SiteText]:
    """Return the sentences for each producer, or for the site if there is none."""
    return [TEXTS[type(producer)] for producer in scenario.producers] or [_SiteText()]


def goal(goal: Goal, currency: str) -> str:
    """Describe the goal and its caps."""
    return say(goal_text(goal, currency))


def span(horizon: Horizon) -> str:
    """Return the start and end of a horizon in local time with UTC offset, and its length."""
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    hours = number(horizon.length_min / 60, 0 if horizon.length_min % 60 == 0 else 2)
    return tr(
        "{first} to {last}, {zone}, {hours} h in steps of {step} min",
        first=moment(first), last=moment(last), zone=horizon.zone, hours=hours, step=f"{horizon.step_min:g}",
    )  # fmt: skip


def violation(violation: dict[str, Any], horizon: Horizon) -> str:
    """Describe a violation."""
    who = listed(part for part in (violation["heat"], violation["unit"]) if part)
    values = {
        "what": tr(KINDS.get(violation["kind"], violation["kind"])), "amount": number(violation["amount"], 2),
        "measure": say(violation["measure"]), "time": moment(horizon.instant(violation["at_min"])),
    }  # fmt: skip
    if who:
        return tr("{what} ({who}) by {amount} {measure}, {time}", who=who, **values)
    return tr("{what} by {amount} {measure}, {time}", **values)


def holding(plan: Plan) -> list[str]:
    """Return the cost of robustness relative to the draft, and the draft's figures; empty unless it was requested."""
    record = plan.holding
    if record is None:
        return []
    days, currency = record.days, plan.scenario.market.currency
    low, high = (say(of_days(share, days)) for share in record.interval)
    lines = [tr("95 % interval {low} to {high} over {days} new replays", low=low, high=high, days=number(days, 0))]
    if record.severity.get("recourse"):
        lines[0] += "; " + tr(
            "with recourse on {count} of them, which costs {cost} {currency} a day",
            count=record.severity["recourse"], cost=number(record.recourse_cost, 0), currency=currency,
        )  # fmt: skip
    if record.draft_share is None or not record.price or record.draft_objective == plan.objective:
        return lines  # the draft is the plan
    carbon, cost = (record.price[name]["nominal"] for name in ("carbon_kg", "cost"))
    texts = f"{signed(carbon / 1000, 2)} t CO2e", f"{signed(cost, 0)} {currency}"
    first, second = goal_first(plan.scenario, *texts)
    lines.append(
        tr(
            "price of holding: {first} and {second} against the draft, which holds on {share}",
            first=first, second=second,
            share=percent(record.draft_share, 1),
        )
    )  # fmt: skip
    return lines


def filled(scenario: Case) -> list[str]:
    """Return a line for each series whose gaps were filled."""
    return [
        trn(
            "{series}: {count} value filled, the first at {first}",
            "{series}: {count} values filled, the first at {first}",
            gap["count"], series=name, first=gap["first"],
        )
        for name, gap in gaps_filled(scenario).items()
    ]  # fmt: skip
