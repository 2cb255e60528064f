"""A report of what a plan would emit: the ledger of its replay, as source streams, in place of activity data."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from emberline.planning.accounts import Ledger
from emberline.planning.plan import Plan
from emberline.reports.compliance.monitoring.activity import Amount, Measured
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import Installation, MonitoredStream, MonitoringPlan
from emberline.reports.compliance.reports.annual import AnnualReport, StreamLine
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
        _bought_mwh(plan),
    )


def _bought_mwh(plan: Plan) -> float:
    """Electricity that a plan imports [MWh]."""
    figures = plan.replay_figures
    return 0.0 if figures is None else figures.import_mwh
