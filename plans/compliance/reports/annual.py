"""The figures of a period: monitoring plan and activity data made into streams, processes and embedded emissions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from emberline.plans.compliance.default_values import DefaultValues, bundled_default_values
from emberline.plans.compliance.embedded_emissions import Embedded, embedded
from emberline.plans.compliance.goods import GOODS
from emberline.plans.compliance.monitoring.activity import Activity, Amount, Gap, MissingData
from emberline.plans.compliance.monitoring.period import Period
from emberline.plans.compliance.monitoring.plan import MonitoredProcess, MonitoredStream, MonitoringPlan
from emberline.plans.compliance.production_process import Energy, Precursor, ProductionProcess
from emberline.plans.compliance.source_stream import StreamEmissions
from emberline.scenarios.records.base import unknown

UNITS = {
    "production": "t",
    "to market": "t",
    "direct": "t CO2",
    "electricity": "MWh",
    "electricity exported": "MWh",
    "heat imported": "TJ",
    "heat exported": "TJ",
    "waste gas imported": "TJ",
    "waste gas exported": "TJ",
}
"""Quantities of a process, and their units."""
SAME_T = 0.5
"""Tonnes that do not matter in a report of whole tonnes."""


def whole_t(t: float) -> int:
    """Whole tonnes, halves away from zero: the only rounding of a report."""
    return int(math.copysign(math.floor(abs(t) + 0.5), t))


@dataclass(frozen=True)
class StreamLine:
    """A source stream over the period."""

    stream: MonitoredStream
    amount: Amount
    emissions: StreamEmissions
    uncertainty: float | None
    """Of the amount, by its meter."""


@dataclass(frozen=True)
class AnnualReport:
    """What an installation emitted over a period, and what its goods carry."""

    plan: MonitoringPlan
    period: Period
    streams: tuple[StreamLine, ...]
    processes: tuple[ProductionProcess, ...]
    amounts: Mapping[str, Amount]
    """Of the processes, by their names in the activity data."""
    bought_mwh: float = 0.0
    """Electricity that no process accounts for."""
    faults: tuple[str, ...] = ()
    """Rows of the table of default values that were left out, with their numbers."""

    @cached_property
    def embedded(self) -> dict[str, Embedded]:
        """Embedded emissions by process."""
        return embedded(self.processes)

    @property
    def fossil_t_co2(self) -> float:
        """Direct emissions of the installation, not rounded."""
        return sum(line.emissions.fossil_t_co2 for line in self.streams)

    @property
    def biogenic_t_co2(self) -> float:
        """Biogenic CO2, in no total."""
        return sum(line.emissions.biogenic_t_co2 for line in self.streams)

    @property
    def electricity_mwh(self) -> float:
        """Electricity used."""
        return self.bought_mwh + sum(process.electricity_mwh for process in self.processes)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Days whose amounts a rule filled."""
        amounts = (*(line.amount for line in self.streams), *self.amounts.values())
        return tuple(gap for amount in amounts for gap in amount.gaps)

    @property
    def undescribed(self) -> tuple[str, ...]:
        """Names of the documents that the monitoring plan lacks figures for."""
        missing = {"ghg": self.plan.electricity is None, "cbam": not self.processes}
        return tuple(name for name, lacks in missing.items() if lacks)

    @property
    def indirect_counts(self) -> dict[str, bool]:
        """Whether the indirect emissions of a process's good are reported."""
        return {process.name: GOODS[process.goods].indirect_counts for process in self.plan.processes}

    def remarks(self) -> Iterator[str]:
        """What a verifier would ask about."""
        attributed = sum(process.emissions.fossil_t_co2 for process in self.processes)
        if self.processes and self.streams and abs(attributed - self.fossil_t_co2) > SAME_T:
            yield (
                f"{attributed:,.0f} t CO2 are attributed to the processes, the streams emit {self.fossil_t_co2:,.0f} t"
            )
        for process in self.processes:
            used = sum(other.takes_t.get(process.name, 0.0) for other in self.processes)
            if used > process.production_t + SAME_T:
                yield f"{process.name}: others use {used:,.0f} t, it makes {process.production_t:,.0f} t"
            share = self.embedded[process.name].default_share
            if share:
                yield f"{process.name}: {share:.1%} of its embedded emissions are default values"
        yield from self.faults
        for gap in self.gaps:
            yield f"{gap.name}: no data from {gap.first} to {gap.last}, {gap.amount:,.6g} by the {gap.rule} daily rate"


def annual_report(
    plan: MonitoringPlan, activity: Activity, period: Period, defaults: DefaultValues | None = None
) -> AnnualReport:
    """The figures of a period.

    Args:
        plan: how they are determined.
        activity: amounts.
        period: what they cover.
        defaults: of precursors without declared values; None: the few that come with Emberline.

    Raises:
        MissingData: days have no data and no rule.
        ValueError: data that the plan does not know, factors that do not hold over the period, a circle of processes.
    """
    _refuse_unknown(plan, activity)
    defaults = defaults or bundled_default_values()
    valued = tuple(precursor.valued(defaults, period.first.year) for precursor in plan.precursors)
    plan = plan.model_copy(update={"precursors": valued})
    amounts: dict[str, Amount] = {}
    lines = tuple(_line(plan, stream, activity, period) for stream in plan.streams)
    processes = tuple(_process(plan, process, lines, activity, period, amounts) for process in plan.processes)
    report = AnnualReport(plan, period, lines, processes, amounts, faults=defaults.faults)
    _ = report.embedded
    return report


def _refuse_unknown(plan: MonitoringPlan, activity: Activity) -> None:
    names = [stream.name for stream in plan.streams]
    for process in plan.processes:
        names += [f"{process.name}: {quantity}" for quantity in UNITS]
        names += [f"{process.name}: takes {other.name}" for other in plan.processes if other is not process]
        names += [f"{process.name}: precursor {precursor.name}" for precursor in plan.precursors]
    for row in activity.rows:
        if row.name not in names:
            raise ValueError(f"{row.place}: {unknown('name', row.name, names)}")


def _line(plan: MonitoringPlan, stream: MonitoredStream, activity: Activity, period: Period) -> StreamLine:
    first, last = stream.valid_from or period.first, stream.valid_to or period.last
    if first > period.first or last < period.last:
        raise ValueError(f"factors of {stream.name} hold from {first} to {last}, the period is {period}")
    amount = activity.amount(stream.name, stream.unit, period, stream.gap)
    if amount is None:
        raise MissingData(f"{stream.name} has no activity data")
    return StreamLine(stream, amount, stream.emissions(amount.amount), plan.uncertainty(stream))


def _process(
    plan: MonitoringPlan,
    process: MonitoredProcess,
    lines: tuple[StreamLine, ...],
    activity: Activity,
    period: Period,
    amounts: dict[str, Amount],
) -> ProductionProcess:
    def of(quantity: str, unit: str) -> float | None:
        name = f"{process.name}: {quantity}"
        amount = activity.amount(name, unit, period, process.gap)
        if amount is None:
            return None
        amounts[name] = amount
        return amount.amount

    def energy(quantity: str, factor: float, correction: float = 1.0) -> Energy | None:
        tj = of(quantity, "TJ")
        return None if tj is None else Energy(tj=tj, t_co2_per_tj=factor, correction=correction)

    production_t = of("production", "t")
    if not production_t:
        raise MissingData(f"{process.name}: production has no activity data")
    direct = of("direct", "t CO2")
    mine = [(line.stream, line.amount.amount, line.stream.by_process.get(process.name, 0.0)) for line in lines]
    takes = {other.name: of(f"takes {other.name}", "t") for other in plan.processes if other is not process}
    bought = {precursor.name: of(f"precursor {precursor.name}", "t") for precursor in plan.precursors}
    return ProductionProcess(
        name=process.name,
        production_t=production_t,
        to_market_t=of("to market", "t"),
        direct_t_co2=direct,
        streams=() if direct is not None else tuple((stream, amount * part) for stream, amount, part in mine if part),
        heat_imported=energy("heat imported", process.heat_imported_t_co2_per_tj),
        heat_exported=energy("heat exported", process.heat_exported_t_co2_per_tj),
        waste_gas_imported=energy("waste gas imported", process.waste_gas_t_co2_per_tj),
        waste_gas_exported=energy("waste gas exported", process.waste_gas_t_co2_per_tj, process.waste_gas_correction),
        electricity_mwh=of("electricity", "MWh") or 0.0,
        electricity_t_co2_per_mwh=process.electricity_t_co2_per_mwh,
        electricity_exported_mwh=of("electricity exported", "MWh") or 0.0,
        electricity_exported_t_co2_per_mwh=process.electricity_exported_t_co2_per_mwh,
        precursors=tuple(
            Precursor(
                name=precursor.name,
                amount_t=bought[precursor.name] or 0.0,
                see_direct=precursor.see_direct or 0.0,
                mwh_per_t=precursor.mwh_per_t,
                electricity_t_co2_per_mwh=precursor.electricity_t_co2_per_mwh,
                default_value=precursor.default_value,
            )
            for precursor in plan.precursors
            if bought[precursor.name]
        ),
        takes_t={name: t for name, t in takes.items() if t},
        indirect_counts=GOODS[process.goods].indirect_counts,
    )
