"""The figures of a period: monitoring plan and activity data made into streams, processes and embedded emissions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from emberline.reports.compliance.clinker import clinker_t
from emberline.reports.compliance.cogeneration import TJ_PER_MWH, Cogeneration, Shared
from emberline.reports.compliance.default_values import DefaultValues, bundled_default_values
from emberline.reports.compliance.embedded_emissions import Embedded, embedded
from emberline.reports.compliance.goods import GOODS
from emberline.reports.compliance.monitoring.activity import Activity, Amount, Gap, MissingData
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import MonitoredProcess, MonitoredStream, MonitoringPlan
from emberline.reports.compliance.monitoring.stack import LONGEST_OUTAGE_H, SUBSTITUTE_SD
from emberline.reports.compliance.production_process import Energy, Precursor, ProductionProcess
from emberline.reports.compliance.source_stream import StreamEmissions
from emberline.scenarios.records.base import unknown

QUANTITIES = {
    "production": ("t", "all that is made, for the market and for other processes"),
    "to market": ("t", "part of it that leaves as product; by default what no other process takes"),
    "direct": ("t CO2", "directly attributed emissions, in place of those of its streams"),
    "electricity": ("MWh", "used"),
    "electricity exported": ("MWh", "made by the process and handed on"),
    "heat imported": ("TJ", "measurable heat that comes in"),
    "heat exported": ("TJ", "measurable heat that leaves"),
    "waste gas imported": ("TJ", "waste gas that comes in"),
    "waste gas exported": ("TJ", "waste gas that leaves"),
    "cement delivered": ("t", "with clinker_ratio, in place of production"),
    "clinker bought": ("t", "with clinker_ratio"),
    "clinker sold": ("t", "with clinker_ratio"),
}
"""Quantities of a process, with unit and meaning."""
OF_COGENERATION = {"heat": "TJ", "electricity": "MWh"}
DECLARED = {"name", "see_direct", "mwh_per_t", "electricity_t_co2_per_mwh", "default_value"}
"""Fields of a precursor that its maker declares, or that a default value sets."""
SAME_ENERGY = 1e-6
"""Share by which the use of heat or electricity may exceed what is made, by rounding."""
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
    """Emissions of an installation over a period, and embedded emissions of its goods."""

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
    cogeneration: Mapping[str, Shared] = field(default_factory=dict)
    """Emissions of each unit, shared out to heat and electricity."""

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

    @property
    def open_questions(self) -> Iterator[str]:
        """Values missing from the monitoring plan, without which figures cannot be stated."""
        for precursor in self.plan.precursors:
            users = [p.name for p in self.processes if any(b.name == precursor.name for b in p.precursors)]
            if users and precursor.mwh_per_t and precursor.electricity_t_co2_per_mwh is None:
                yield (
                    f"open: precursor {precursor.name} has no electricity_t_co2_per_mwh, of the electricity that its "
                    f"maker uses: indirect emissions of what {', '.join(users)} and their users make are not stated"
                )

    def remarks(self) -> Iterator[str]:
        """Remarks on points that a verifier would question."""
        yield from self.open_questions
        attributed = sum(process.emissions.fossil_t_co2 for process in self.processes)
        attributed += sum(shared.heat_t_co2 + shared.power_t_co2 for shared in self.cogeneration.values())
        if self.processes and self.streams and abs(attributed - self.fossil_t_co2) > SAME_T:
            yield (
                f"{attributed:,.0f} t CO2 are attributed to the processes, the streams emit {self.fossil_t_co2:,.0f} t"
            )
        for process in self.processes:
            share = self.embedded[process.name].default_share
            if share:
                yield f"{process.name}: {share:.1%} of its embedded emissions are default values"
        yield from self.faults
        yield from map(str, self.gaps)
        for amount in (*(line.amount for line in self.streams), *self.amounts.values()):
            yield from amount.breaks
        for line in self.streams:
            yield from _of_stack(line)


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
    amounts = _Amounts(activity, period)
    monitored = {process.name: process for process in plan.processes}

    @cache
    def production(name: str) -> float:
        return _production(monitored[name], amounts)

    lines = tuple(_line(plan, stream, activity, period, production) for stream in plan.streams)
    shared = {unit.name: _shared(unit, lines, amounts) for unit in plan.cogeneration}
    processes = tuple(
        _process(plan, _rated(process, shared), lines, amounts, production(process.name)) for process in plan.processes
    )
    report = AnnualReport(plan, period, lines, processes, amounts.table, faults=defaults.faults, cogeneration=shared)
    _ = report.embedded
    _refuse_more_than_made(report)
    return report


def _refuse_more_than_made(report: AnnualReport) -> None:
    """Refuse use of goods, heat or electricity beyond what was made in the period."""
    for process in report.processes:
        used = sum(other.takes_t.get(process.name, 0.0) for other in report.processes) + (process.to_market_t or 0.0)
        if used > process.production_t + SAME_T:
            raise ValueError(
                f"{process.name}: {used:,.6g} t go to market and other processes, but it makes "
                f"{process.production_t:,.6g} t; leave out what was made before the period or bought"
            )
    for unit in report.plan.cogeneration:
        for quantity, key, what in (
            ("heat", "heat_from", "heat imported"),
            ("electricity", "electricity_from", "electricity"),
        ):
            product = report.amounts[f"{unit.name}: {quantity}"]
            names = [f"{p.name}: {what}" for p in report.plan.processes if getattr(p, key) == unit.name]
            used = sum(report.amounts[name].amount for name in names if name in report.amounts)
            if used > product.amount * (1 + SAME_ENERGY):
                raise ValueError(
                    f"{unit.name}: processes use {used:,.6g} {product.unit} of its {quantity}, but it makes "
                    f"{product.amount:,.6g} {product.unit}"
                )


class _Amounts:
    """Amounts of processes and units over a period, gathered as they are read."""

    def __init__(self, activity: Activity, period: Period) -> None:
        self.activity, self.period = activity, period
        self.table: dict[str, Amount] = {}

    def of(self, record: MonitoredProcess | Cogeneration, quantity: str, unit: str) -> Amount | None:
        """An amount; None where the data do not have it."""
        name = f"{record.name}: {quantity}"
        rule = record.gap if isinstance(record, MonitoredProcess) else "refuse"
        amount = self.activity.amount(name, unit, self.period, rule)
        if amount is not None:
            if amount.amount < 0 and quantity != "direct":
                raise ValueError(f"{name}: {amount.amount:,.6g} {unit} is negative")
            self.table[name] = amount
        return amount


def _of_stack(line: StreamLine) -> Iterator[str]:
    """Hours of a measured stack that were substituted."""
    stack, name = line.amount.stack, line.stream.name
    if stack is None:
        return
    if stack.concentrations_missing:
        yield (
            f"{name}: no concentration in {stack.concentrations_missing:,} hours, "
            f"the mean and {SUBSTITUTE_SD:g} standard deviations stand for it"
        )
    if stack.flows_missing:
        yield f"{name}: no flow in {stack.flows_missing:,} hours, the {line.stream.gap} flow of an hour stands for it"
    if stack.substituted_t_co2:
        yield f"{name}: {stack.substituted_t_co2 / stack.t_co2:.1%} of its emissions are substituted"
    if stack.longest_outage_h > LONGEST_OUTAGE_H:
        yield f"{name}: {stack.longest_outage_h:,} hours in a row without a value, to be reported to the authority"


def _production(process: MonitoredProcess, amounts: _Amounts) -> float:
    """Production of a process [t]: activity data, or clinker from the cement delivered."""
    stated = amounts.of(process, "production", "t")
    parts = {name: amounts.of(process, name, "t") for name in ("cement delivered", "clinker bought", "clinker sold")}
    delivered = parts["cement delivered"]
    if process.clinker_ratio is None:
        stray = next((name for name, amount in parts.items() if amount is not None), None)
        if stray is not None:
            raise ValueError(f"{process.name}: {stray} needs clinker_ratio in the monitoring plan")
        if stated is None or not stated.amount:
            raise MissingData(f"{process.name}: production has no activity data")
        return stated.amount
    if stated is not None:
        raise ValueError(f"{process.name}: give production or clinker_ratio, not both")
    if delivered is None:
        raise MissingData(f"{process.name}: cement delivered has no activity data")
    bought, sold = (parts[name] for name in ("clinker bought", "clinker sold"))
    try:
        return clinker_t(
            delivered.amount + _increase(delivered),
            process.clinker_ratio,
            cement_stock_increase_t=_increase(delivered),
            clinker_bought_t=0.0 if bought is None else bought.amount + _increase(bought),
            clinker_sold_t=0.0 if sold is None else sold.amount + _increase(sold),
            clinker_stock_increase_t=sum(_increase(part) for part in (bought, sold) if part is not None),
        )
    except ValueError as error:
        raise ValueError(f"{process.name}: {error}") from None


def _increase(amount: Amount) -> float:
    """Stock at the end less that at the start."""
    return sum(row.stock_end - row.stock_start for row in amount.rows)


def _shared(unit: Cogeneration, lines: tuple[StreamLine, ...], amounts: _Amounts) -> Shared:
    """Emissions of a unit of cogeneration by product."""
    parts = [(line, line.stream.by_process.get(unit.name, 0.0)) for line in lines]
    products = {quantity: amounts.of(unit, quantity, measure) for quantity, measure in OF_COGENERATION.items()}
    lacking = [quantity for quantity, amount in products.items() if amount is None]
    if lacking:
        raise MissingData(f"{unit.name}: {lacking[0]} has no activity data")
    heat, power = (amount.amount for amount in products.values() if amount is not None)
    t_co2 = sum(line.emissions.fossil_t_co2 * part for line, part in parts)
    fuel_tj = sum(line.emissions.energy_tj * part for line, part in parts)
    if fuel_tj and not 0 < heat + power * TJ_PER_MWH <= fuel_tj:
        raise ValueError(
            f"{unit.name}: heat and electricity of {heat + power * TJ_PER_MWH:,.6g} TJ from {fuel_tj:,.6g} TJ of fuel"
        )
    return unit.share_out(t_co2, fuel_tj, heat, power)


def _rated(process: MonitoredProcess, shared: Mapping[str, Shared]) -> MonitoredProcess:
    """A process with the factors of the units that its heat and electricity are from."""
    factors: dict[str, float] = {}
    if process.heat_from is not None:
        factors["heat_imported_t_co2_per_tj"] = shared[process.heat_from].heat_t_co2_per_tj or 0.0
    if process.electricity_from is not None:
        factors["electricity_t_co2_per_mwh"] = shared[process.electricity_from].power_t_co2_per_mwh or 0.0
    return process.model_copy(update=factors)


def _refuse_unknown(plan: MonitoringPlan, activity: Activity) -> None:
    names = [stream.name for stream in plan.streams]
    for process in plan.processes:
        names += [f"{process.name}: {quantity}" for quantity in QUANTITIES]
        names += [f"{process.name}: takes {other.name}" for other in plan.processes if other is not process]
        names += [f"{process.name}: precursor {precursor.name}" for precursor in plan.precursors]
    names += [f"{unit.name}: {quantity}" for unit in plan.cogeneration for quantity in OF_COGENERATION]
    stacks = [stream.name for stream in plan.streams if stream.method == "measurement"]
    for name, place in activity.places:
        if name not in names:
            raise ValueError(f"{place}: {unknown('name', name, names)}")
        if name in activity.stacks and name not in stacks:
            raise ValueError(f"{place}: {name} is not measured; hours belong to streams of the method measurement")


def _line(
    plan: MonitoringPlan,
    stream: MonitoredStream,
    activity: Activity,
    period: Period,
    production: Callable[[str], float],
) -> StreamLine:
    first, last = stream.valid_from or period.first, stream.valid_to or period.last
    if first > period.first or last < period.last:
        raise ValueError(f"factors of {stream.name} hold from {first} to {last}, the period is {period}")
    amount: Amount | None
    if stream.name in activity.stacks:
        amount = activity.measured(stream.name, stream.unit, period, stream.gap)
    elif stream.counts == "production":
        amount = Amount(production(str(stream.process)), stream.unit, ())
    else:
        amount = activity.amount(stream.name, stream.unit, period, stream.gap)
    if amount is None:
        raise MissingData(f"{stream.name} has no activity data")
    return StreamLine(stream, amount, stream.emissions(amount.amount), plan.uncertainty(stream))


def _process(
    plan: MonitoringPlan,
    process: MonitoredProcess,
    lines: tuple[StreamLine, ...],
    amounts: _Amounts,
    production_t: float,
) -> ProductionProcess:
    def of(quantity: str, unit: str) -> float | None:
        amount = amounts.of(process, quantity, unit)
        return None if amount is None else amount.amount

    def energy(quantity: str, factor: float, correction: float = 1.0) -> Energy | None:
        tj = of(quantity, "TJ")
        return None if tj is None else Energy(tj=tj, t_co2_per_tj=factor, correction=correction)

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
            Precursor(**precursor.model_dump(include=DECLARED), amount_t=bought[precursor.name])
            for precursor in plan.precursors
            if bought[precursor.name]
        ),
        takes_t={name: t for name, t in takes.items() if t},
    )
