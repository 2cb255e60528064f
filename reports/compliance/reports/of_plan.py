"""Reports of a plan: what it would emit, and a data sheet of what it makes.

The first takes the ledger of the replay, as source streams, in place of activity data. The data sheet has embedded
emissions by product, cast and heat, what the plan changes in them against its baseline, and its evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta

from emberline.planning.accounts.ledger import Ledger, ledger
from emberline.planning.plan import Plan
from emberline.reports.compliance.embedded_emissions import AVERAGE, carried_kg, product_emissions
from emberline.reports.compliance.monitoring.activity import Amount, Measured
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import Installation, MonitoredStream, MonitoringPlan
from emberline.reports.compliance.reports.annual import AnnualReport, StreamLine
from emberline.reports.compliance.reports.table import Cell, Document, table
from emberline.reports.compliance.source_stream import SourceStream

DIRECT, BIOGENIC = "1", "biogenic"
"""Scopes of the ledger's entries that are direct emissions."""
LONGEST_NAME = 80


def forecast(ledger: Ledger) -> tuple[tuple[SourceStream, float], ...]:
    """Source streams of a plan with their amounts: one for each source and gas that the ledger counts.

    Factors are t CO2e per unit of the activity, as the ledger rates it. Biogenic CO2 is a stream of its own.
    """
    entries = [entry for entry in ledger.entries if entry.scope in (DIRECT, BIOGENIC) and entry.activity]
    names = Counter((entry.source, entry.scope) for entry in entries)
    streams = []
    for entry in entries:
        name = entry.source if names[entry.source, entry.scope] == 1 else f"{entry.source}, {entry.gas}"
        biogenic = entry.scope == BIOGENIC
        stream = SourceStream(
            name=(f"{name}, biogenic" if biogenic else name)[:LONGEST_NAME],
            method="process",
            unit=entry.unit,
            t_co2_per_unit=entry.kg / 1000 / entry.activity,
            biogenic_share=float(biogenic),
        )
        streams.append((stream, entry.activity))
    return tuple(streams)


def report_of_plan(plan: Plan, evidence: str) -> AnnualReport:
    """The direct emissions of a plan by source stream, over its horizon.

    Args:
        plan: with a schedule.
        evidence: what the amounts are from, such as a run's number.

    Raises:
        ValueError: the plan has no schedule.
    """
    book = plan.ledger
    if book is None:
        raise ValueError(f"the plan has no schedule: {plan.verdict}")
    horizon = plan.scenario.horizon
    minutes = horizon.n_steps * horizon.step_min
    start = horizon.start_utc.astimezone(horizon.tz)
    first, last = start.date(), (start + timedelta(minutes=minutes, microseconds=-1)).date()
    lines = []
    for stream, amount in forecast(book):
        monitored = MonitoredStream(**stream.model_dump(exclude_unset=True), source="ledger of the plan")
        row = Measured(stream.name, first, last, amount, stream.unit, evidence)
        lines.append(StreamLine(monitored, Amount(amount, stream.unit, (row,)), stream.emissions(amount), None))
    scenario = plan.scenario
    installation = Installation(name=(scenario.title or scenario.name)[:80])
    streams = tuple(line.stream for line in lines)
    return AnnualReport(
        MonitoringPlan(installation=installation, streams=streams),
        Period(first, last),
        tuple(lines),
        (),
        {},
        0.0 if plan.replay_figures is None else plan.replay_figures.import_mwh,
    )


def products_of_plan(plan: Plan, evidence: Mapping[str, str]) -> Document:
    """The data sheet of a plan.

    Args:
        plan: with a schedule.
        evidence: what it rests on by name, such as the run and the hash of its inputs.

    Raises:
        ValueError: the plan has no schedule.
    """
    book = plan.ledger
    if book is None:
        raise ValueError(f"the plan has no schedule: {plan.verdict}")
    scenario, before = plan.scenario, ledger(plan.scenario, plan.baseline)
    caps = scenario.goal.caps.embedded_kg_per_t
    ours, theirs = product_emissions(scenario, book), product_emissions(scenario, before)
    products = {
        name: {
            "mass_t": result.tonnes,
            "see_direct": result.see_direct,
            "see_indirect": result.see_indirect,
            "see_total": result.see_total,
            "baseline_see_total": theirs[name].see_total if name in theirs else None,
            "cap": caps[name] / 1000 if name in caps else None,
        }
        for name, result in ours.items()
    }
    rows = [(name, *figures.values()) for name, figures in products.items()]
    columns = ("product", "mass [t]", "direct [t/t]", "indirect [t/t]", "total [t/t]", "baseline, total [t/t]",
               "cap [t/t]")  # fmt: skip
    note = "The site alone, the grid by its average intensity; bought precursors are not in it."
    sums = [
        (name, mine, theirs_t, mine - theirs_t)
        for name, mine, theirs_t in (
            ("scope 1 [t CO2e]", book.direct_kg / 1000, before.direct_kg / 1000),
            ("scope 2, average [t CO2e]", book.grid[AVERAGE] / 1000, before.grid[AVERAGE] / 1000),
        )
    ]
    per_t = ("kg CO2e/t", "baseline, kg CO2e/t")
    tables = (
        table("Products", columns, rows, note),
        table("What the plan changes in the report", ("figure", "plan", "baseline", "difference"), sums),
        table("Casts", ("cast", "unit", "start", "grades", "heats", "mass [t]", *per_t), _casts(plan, book, before)),
        table("Heats", ("heat", "order", "grade", "mass [t]", *per_t), _heats(plan, book, before)),
        table("Evidence", ("what", "value"), list(evidence.items())),
    )
    title = f"{scenario.title or scenario.name}, {scenario.horizon.start}"
    return Document("Environmental data sheet", title, tables, (), {"products": products, "evidence": dict(evidence)})


def _heats(plan: Plan, book: Ledger, before: Ledger) -> list[tuple[Cell, ...]]:
    mine, theirs = (_by_heat(accounts) for accounts in (book, before))
    return [
        (heat.name, heat.order, heat.grade.name, heat.grade.mass_t, *(_per_t([heat.name], of) for of in (mine, theirs)))
        for heat in plan.scenario.heats
    ]


def _casts(plan: Plan, book: Ledger, before: Ledger) -> list[tuple[Cell, ...]]:
    """A row for each order, as the caster takes it; none where the line has no casts."""
    scenario, run = plan.scenario, plan.replay
    casting = scenario.line.campaign_stage
    if casting is None or run is None:
        return []
    mine, theirs = _by_heat(book), _by_heat(before)
    on_caster = run["op_stage"].values == casting.name
    columns = (run[name].values[on_caster].tolist() for name in ("op_heat", "op_start_min", "op_unit"))
    begins = {heat: (start, unit) for heat, start, unit in zip(*columns, strict=True)}
    rows: list[tuple[Cell, ...]] = []
    for order in scenario.orders:
        heats = {heat.name: heat.grade for heat in scenario.heats if heat.order == order.name}
        start, unit = min((begins[name] for name in heats if name in begins), default=(None, ""))
        at = "" if start is None else scenario.horizon.instant(start).isoformat(" ", "minutes")
        grades = ", ".join(dict.fromkeys(grade.name for grade in heats.values()))
        tonnes = sum(grade.mass_t for grade in heats.values())
        per_t = [_per_t(heats, of) for of in (mine, theirs)]
        rows.append((order.name, unit, at, grades, len(heats), tonnes, *per_t))
    return rows


def _by_heat(book: Ledger) -> dict[str, tuple[float, float]]:
    """Kilograms of CO2e, and tonnes, of each heat."""
    kg, heats = carried_kg(book, "direct_kg", f"grid_{AVERAGE}_kg", "bought_kg"), book.by_heat
    pairs = zip(kg.tolist(), heats["mass_t"].values.tolist(), strict=True)
    return dict(zip(heats["heat"].values.tolist(), pairs, strict=True))


def _per_t(heats: Collection[str], by_heat: Mapping[str, tuple[float, float]]) -> float | None:
    """Embedded emissions of some heats together [kg CO2e/t]; None: some are not in the run."""
    if not all(name in by_heat for name in heats):
        return None
    return sum(by_heat[name][0] for name in heats) / sum(by_heat[name][1] for name in heats)
