"""Datasets exchanged between the rooms: variables, dimensions and units of measure.

These datasets are the only interface between the twin and the models. Times are minutes after the start of the horizon
(``…_min``). The coordinate ``time`` is the start of each step in naive UTC; ``meter`` is the start of each metered
interval. Power is the mean over the interval. Power and energy are positive in the direction given by the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.earlier_words import reworded
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.records.quantity import spared

# xarray imports Dask and pint on first use if they are installed; neither is needed here
with spared("dask.array", "pint"):
    xr.Dataset(coords={"time": [0.0]})


@dataclass(frozen=True)
class Variable:
    """A variable of a dataset."""

    dims: tuple[str, ...]
    unit: str
    says: str
    text: bool = False
    optional: bool = False


def optional(dims: tuple[str, ...], unit: str, says: str, text: bool = False) -> Variable:
    """Return a variable that a dataset may omit."""
    return Variable(dims, unit, says, text, optional=True)


class Status(StrEnum):
    """Outcome of a search."""

    WITHIN_GAP = "within gap"
    BEST_FOUND = "best found"
    CANCELLED = "cancelled"
    INFEASIBLE = "infeasible"
    RULED_OUT_ON_GRID = "no plan on this grid"
    """No start on the slots meets all limits; starts between slots may still do so."""
    OUT_OF_TIME = "no plan within the limit"
    NO_SCHEDULE = "no schedule"
    NO_PLAN = "no plan"


class Policy(StrEnum):
    """Origin of a list of starts."""

    SCHEDULE = "schedule"
    BASELINE = "baseline"

    @classmethod
    def _missing_(cls, value: object) -> Policy | None:
        return cls.BASELINE if reworded(str(value)) == cls.BASELINE else None


class RecourseKind(StrEnum):
    """Action of a dispatcher to meet a limit, with the quantity that ``recourse_amount`` measures."""

    CAST_LONGER = "cast longer"
    """A heat was cast more slowly: extra casting time [min]."""
    START_LATER = "start later"
    """Load management delayed a start: delay [min]."""
    LESS_POWER = "less power"
    """Load management reduced the power of a heat: extra duration [min]."""
    END_CAST = "end of cast"
    """A cast was ended early: expected delay of the next heat [min]."""
    RETURN = "return"
    """A heat was returned to the ladle furnace: electricity drawn there [MWh]."""
    ASSET = "asset"
    """A set-point was overridden to cover a demand: deviation [unit of the set-point]."""
    BATTERY = "battery"
    """Battery set-points were overridden to keep the import limit: energy [MWh]."""
    ENGINE = "engine"
    """A machine generated more than planned to keep the import limit: extra electricity [MWh]."""


class ViolationKind(StrEnum):
    """Limit that a run violated, with the quantity that ``violation_amount`` measures and its unit."""

    WAIT = "wait"
    """A heat waited longer than allowed [min]."""
    CAST = "cast"
    """A gap within a cast [min]."""
    LOCK = "lock"
    """A start outside the planner's lock [min]."""
    OUTAGE = "outage"
    """Operation while the unit is unavailable [min]."""
    DUE = "due"
    """Finished after the due time [min]."""
    UNFINISHED = "unfinished"
    """A heat not finished within the horizon [t]."""
    IMPORT = "import"
    """Import above the contracted limit [MW]."""
    EXPORT = "export"
    """Export above the contracted limit [MW]."""
    BATTERY = "battery"
    """Set-points that the battery cannot follow [MW, MWh]."""
    BOTH_WAYS = "both ways"
    """A battery or store charged and discharged at the same time, which is impossible [MW, unit of the store]."""
    ASSET = "asset"
    """Set-points that an asset cannot follow [unit of the asset]."""
    SHORTAGE = "shortage"
    """Demand for a carrier that no supply covers [unit of the carrier]."""
    SURPLUS = "surplus"
    """Surplus of a carrier that can be neither used nor vented [unit of the carrier]."""
    LEVEL = "level"
    """A store outside its permitted range, or below its final level [unit of the store]."""
    PROCESS = "process"
    """Planned product that was not made [t]."""
    DELIVERY = "delivery"
    """Product that was not delivered [t]."""
    RUN = "run"
    """A run shorter than the minimum run time [h]."""
    REST = "rest"
    """A standstill shorter than the minimum down time [h]."""
    RAMP = "ramp"
    """A change of rate beyond the ramp limit [t/h]."""
    STOP = "stop"
    """A planned stop that was cut short [h]."""
    STANDSTILL = "standstill"
    """A standstill of a unit that must run [h]."""
    ENERGY = "energy"
    """Deviation from the electricity required for a day [MWh]."""

    @property
    def late(self) -> bool:
        """Whether a heat misses its due time."""
        return self in (ViolationKind.DUE, ViolationKind.UNFINISHED)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a dataset."""

    kind: type[int] | type[float] | type[str] | type[StrEnum]
    """Type of the value; an enumeration lists the permitted values."""
    unit: str
    says: str

    def fits(self, value: Any) -> bool:
        """Check whether a value has the declared type."""
        if issubclass(self.kind, StrEnum):
            try:
                self.kind(str(value))
            except ValueError:
                return False
            return isinstance(value, str)
        numbers: dict[type, tuple[type, ...]] = {int: (int, np.integer), float: (float, int, np.number), str: (str,)}
        return isinstance(value, numbers[self.kind])


class Table(dict[str, Variable]):
    """Variables of a dataset by name, and its attributes."""

    def __init__(self, variables: Mapping[str, Variable], attributes: Mapping[str, Attribute] | None = None) -> None:
        super().__init__(variables)
        self.attributes = dict(attributes or {})
        """Attributes by name; those for the phases of a search begin with ``seconds``."""


COMPLETE = Attribute(int, "", "1: every heat has a start and meets its due time; every delivery and end level is met")
SCHEDULE_ATTRIBUTES = {
    "policy": Attribute(Policy, "", "origin of the starts"),
    "complete": COMPLETE,
    "unplaced": Attribute(str, "", "names of the heats, deliveries or units that are not scheduled"),
    "grid_min": Attribute(float, "min", "grid of the starts, if finer than the steps"),
    # of a search
    "found": Attribute(int, "", "1: there is a schedule"),
    "status": Attribute(Status, "", "how the search ended"),
    "reason": Attribute(str, "", "why the search ended, in words"),
    "goal": Attribute(str, "", "goal.minimize of the scenario"),
    "objective": Attribute(float, "kg CO2e, {currency} or min", "value of the objective without constants"),
    "bound": Attribute(float, "kg CO2e, {currency} or min", "proven lower bound of the objective; missing: none"),
    "gap": Attribute(float, "1", "relative gap between objective and bound; missing: none"),
    "constant": Attribute(float, "kg CO2e or {currency}", "part of the goal that no schedule can change"),
    "credit": Attribute(float, "kg CO2e or {currency}", "value of stock above the required final level"),
    "strategy": Attribute(str, "", "strategy of the search"),
}
RUN_ATTRIBUTES = {
    "policy": Attribute(Policy, "", "origin of the starts that were followed"),
    "seed": Attribute(int, "", "random seed"),
    "replication": Attribute(int, "", "number of the replication, from 0"),
    "disturbed": Attribute(int, "", "1: durations, energies, rates and breakdowns are random"),
    "tonnes": Attribute(float, "t", "finished within the horizon, or delivered"),
    "heats": Attribute(int, "", "heats finished within the horizon"),
    "complete": COMPLETE,
    "metered_interval_min": Attribute(float, "min", "length of a metered interval"),
    "start": Attribute(str, "", "start of the horizon, ISO 8601 in UTC"),
}

STEP = ("time",)
FLOWS = {
    "line_mw": Variable(STEP, "MW", "electricity of the line"),
    "idle_mw": optional(STEP, "MW", "part of line_mw drawn by units outside operations, by their energy states"),
    "charge_mw": Variable(STEP, "MW", "battery charge at its terminals"),
    "discharge_mw": Variable(STEP, "MW", "battery discharge at its terminals"),
    "battery_mwh": Variable(STEP, "MWh", "battery level at the end of the step"),
    "import_mw": Variable(STEP, "MW", "import from the grid"),
    "export_mw": Variable(STEP, "MW", "export to the grid"),
    "meter_mw": Variable(("meter",), "MW", "net grid import, mean over the metered interval (negative: export)"),
    # assets of the site; absent if the schedule is empty
    "asset_rate": optional(("flow", "time"), "", "supply of a carrier by an asset per hour (negative: consumption)"),
    "asset_level": optional(("store", "time"), "", "level of a store at the end of the step"),
    "asset_on": optional(("machine", "time"), "1", "share of the step in which a machine is on"),
    "line_rate": optional(("given", "time"), "", "supply of a carrier by the line per hour"),
    "dumped_rate": optional(("carrier", "time"), "", "surplus of a carrier vented per hour"),
    # processes and the stores between them; absent if the scenario has none
    "process_mode": optional(("process", "time"), "", "mode of a unit at the step's start; empty: stopped", text=True),
    "process_tph": optional(("process", "time"), "t/h", "rate of a unit, off-spec product included"),
    "off_spec_tph": optional(("process", "time"), "t/h", "part of the rate that is off-spec product"),
    "process_mw": optional(("process", "time"), "MW", "electricity of a unit, part of line_mw"),
    "stream_rate": optional(
        ("stream", "time"), "", "supply of a unit to a store or carrier per hour (negative: consumption)"
    ),
    "stock_t": optional(("stock", "time"), "t", "level of a store at the end of the step"),
    "stock_in_t": optional(("stock", "time"), "t", "inflow of a store in the step"),
    "stock_out_t": optional(("stock", "time"), "t", "outflow of a store in the step"),
    "stock_lost_t": optional(("stock", "time"), "t", "losses of a store in the step"),
    "delivered_t": optional(("delivery", "time"), "t", "amount delivered in the step"),
    "arrived_t": optional(("arrival", "time"), "t", "amount that arrives in the step"),
}
"""The label of a ``flow`` is the asset's name, followed by a key if the asset has several flows: ``boiler.main``,
``boiler.inputs.0``, ``boiler.outputs.0`` and ``boiler.start_fuel`` for machines (``Converter.flows``), ``tank.in`` and
``tank.out`` for stores. The coordinates ``flow_asset``, ``flow_carrier`` and ``flow_unit`` give its asset, carrier and
unit (MW, t/h, Nm3/h); ``store_unit`` (MWh, t, Nm3) and ``carrier_unit`` (per hour) apply to levels and surplus.

The labels of ``process`` are units (``Process.units``). The label of a ``stream`` consists of unit, direction and store
or carrier: ``kiln.in.meal``, ``kiln.out.clinker``, ``kiln.in.coal`` (``scenarios.flows.process_flows.streams``). The
coordinates ``stream_process``, ``stream_place`` and ``stream_unit`` give its unit of production, its store or carrier
and its unit of measure (t/h, MW, Nm3/h). Off-spec product consumes as much from stores and carriers as good product,
but supplies none. In a schedule, a unit with a mode and a rate of zero is starting up or changing over to that mode."""

INPUTS = Table(
    {
        "price_per_mwh": Variable(STEP, "{currency}/MWh", "price of imported energy"),
        "export_price_per_mwh": Variable(STEP, "{currency}/MWh", "price of exported energy"),
        "carbon_intensity_kg_per_mwh": Variable(STEP, "kg/MWh", "average intensity of the grid"),
        "marginal_carbon_intensity_kg_per_mwh": optional(STEP, "kg/MWh", "marginal intensity of the grid"),
        "residual_kg_per_mwh": optional(STEP, "kg/MWh", "residual mix, market-based"),
        "short_price_per_mwh": optional(STEP, "{currency}/MWh", "price of energy consumed beyond the nomination"),
        "long_price_per_mwh": optional(STEP, "{currency}/MWh", "price of energy nominated but not consumed"),
        "contract_mw": optional(("contract", "time"), "MW", "profiles of contracts that are not constant"),
        "base_load_mw": Variable(STEP, "MW", "fixed base load"),
        "pv_available_mw": Variable(STEP, "MW", "available PV power"),
        "asset_values": optional(("series", "time"), "", "series of assets that are not constant"),
        "demand_tph": optional(("demand", "time"), "t/h", "demand of deliveries that are not orders"),
        "arrival_tph": optional(("arrival", "time"), "t/h", "rate of arrivals"),
    },
    {
        "currency": Attribute(str, "", "currency of the market"),
        "zone": Attribute(str, "", "time zone of the plant"),
    },
)
"""``Case.inputs``: series of the scenario on its time steps."""

HEAT_UNIT = ("heat", "unit")
HEAT_STAGE = ("heat", "stage")
ENVELOPE = Table(
    {
        "order": Variable(("heat",), "", "order that the heat belongs to", text=True),
        "grade": Variable(("heat",), "", "grade of the heat", text=True),
        "duration_min": Variable(HEAT_UNIT, "min", "nominal duration; missing where the heat cannot run there"),
        "planned_min": Variable(HEAT_UNIT, "min", "duration assumed in the plan: a quantile, at least nominal"),
        "energy_mwh": Variable(HEAT_UNIT, "MWh", "nominal electricity, reheating left out"),
        "available": Variable(("unit", "time"), "1", "share of the step in which the unit may work"),
        "started_min": Variable(HEAT_STAGE, "min", "start of an operation that has already begun; else missing"),
        "started_unit": Variable(HEAT_STAGE, "", "unit of an operation that has already begun; else empty", text=True),
        "process_available": optional(
            ("process", "time"), "1", "1 if a unit of a process may run during the whole step, else 0"
        ),
        "process_planned": optional(
            ("process",), "1", "rate assumed in the plan over nominal rate: a quantile, at most 1"
        ),
        "stock_start_t": optional(("stock",), "t", "level of a store at the start"),
    },
    {"planning_quantile": Attribute(float, "1", "quantile of durations assumed in the plan")},
)
"""Produced by ``twin.envelope`` and read by ``models.optimize``."""

SCHEDULE = Table(
    {
        "unit": Variable(HEAT_STAGE, "", "unit that processes the heat; empty if its route skips the stage", text=True),
        "start_min": Variable(HEAT_STAGE, "min", "start; missing if the route skips the stage"),
        "end_min": Variable(HEAT_STAGE, "min", "end with the duration assumed in the plan"),
        "extra_mwh": Variable(HEAT_STAGE, "MWh", "reheating after the wait before it, part of the operation's energy"),
        **FLOWS,
    },
    SCHEDULE_ATTRIBUTES,
)
"""Produced by ``models.optimize`` or the baseline, followed by ``twin.replay``."""

UNIT_STEP = ("process", "time")
RUN = Table(
    {
        "op_heat": Variable(("operation",), "", "heat", text=True),
        "op_stage": Variable(("operation",), "", "stage", text=True),
        "op_unit": Variable(("operation",), "", "unit", text=True),
        "op_start_min": Variable(("operation",), "min", "start"),
        "op_end_min": Variable(("operation",), "min", "end"),
        "op_waited_min": Variable(("operation",), "min", "wait before the start, transfer left out"),
        "op_energy_mwh": Variable(("operation",), "MWh", "electricity drawn, reheating included"),
        "op_extra_mwh": Variable(("operation",), "MWh", "reheating, part of the electricity"),
        "op_down_min": Variable(("operation",), "min", "standstill due to breakdowns during the operation"),
        "violation_kind": Variable(("violation",), "", f"kind of limit: {', '.join(ViolationKind)}", text=True),
        "violation_heat": Variable(("violation",), "", "heat concerned, if any", text=True),
        "violation_unit": Variable(("violation",), "", "unit concerned, if any", text=True),
        "violation_at_min": Variable(("violation",), "min", "time of the violation"),
        "violation_amount": Variable(("violation",), "", "amount by which the limit was missed, in violation_measure"),
        "violation_measure": Variable(("violation",), "", "unit of measure of the amount", text=True),
        "heat_mwh": optional(("heat", "time"), "MWh", "electricity of each heat in each step"),
        # breakdowns; absent if there were none
        "stop_unit": optional(("stop",), "", "unit that broke down", text=True),
        "stop_at_min": optional(("stop",), "min", "time of the breakdown"),
        "stop_min": optional(("stop",), "min", "duration of the repair"),
        # state of process units at the end of each step; absent if there are no processes
        "unit_mode": optional(UNIT_STEP, "", "present or next mode of a unit; empty: stopped", text=True),
        "unit_since_h": optional(UNIT_STEP, "h", "time for which it has run or been stopped"),
        "unit_rate_tph": optional(UNIT_STEP, "t/h", "set-point of its rate"),
        "unit_ready_in_h": optional(UNIT_STEP, "h", "remaining time of a start-up or changeover"),
        "unit_leaves": optional(UNIT_STEP, "", "mode before the changeover; empty: none", text=True),
        "unit_off_spec_t": optional(UNIT_STEP, "t", "off-spec product still to be made"),
        # recourse; absent if there was none
        "recourse_kind": optional(("recourse",), "", f"kind of action: {', '.join(RecourseKind)}", text=True),
        "recourse_unit": optional(("recourse",), "", "unit or asset", text=True),
        "recourse_at_min": optional(("recourse",), "min", "time of the action"),
        "recourse_amount": optional(("recourse",), "", "size of the action, in recourse_measure"),
        "recourse_measure": optional(("recourse",), "", "unit of measure of the amount", text=True),
        "recourse_cost": optional(("recourse",), "{currency}", "cost of the action"),
        **FLOWS,
    },
    RUN_ATTRIBUTES,
)
"""Result of ``twin.simulate`` and ``twin.replay``."""

REPLICATION = ("replication",)
LIMIT = ("replication", "limit")
HOURLY = ("limit", "hour")
ENSEMBLE = {
    "carbon_kg": Variable(REPLICATION, "kg CO2e", "scope 1 and 2 emissions with the signal of the goal"),
    "cost": Variable(REPLICATION, "{currency}", "cost of energy and carbon minus revenue of exports"),
    "peak_mw": Variable(REPLICATION, "MW", "highest metered mean of the grid import"),
    "tonnes": Variable(REPLICATION, "t", "finished within the horizon, or delivered"),
    "late_heats": Variable(REPLICATION, "1", "heats finished after their due time, or not at all"),
    "late_t": Variable(REPLICATION, "t", "mass of the late heats"),
    "late_min": optional(REPLICATION, "min", "largest delay of a heat"),
    "missed_deliveries": Variable(REPLICATION, "1", "deliveries that were not served in full"),
    "short_t": Variable(REPLICATION, "t", "amount not delivered"),
    "held": Variable(REPLICATION, "1", "1: no limit was missed"),
    "violations": Variable(REPLICATION, "1", "limits missed"),
    "first_limit": Variable(REPLICATION, "1", "index of the first limit missed; -1: none"),
    "first_min": Variable(REPLICATION, "min", "time of the first violation; missing if there is none"),
    "first_heat": Variable(REPLICATION, "", "heat of the first violation, if any", text=True),
    "first_down_min": Variable(REPLICATION, "min", "standstill of all units due to breakdowns until then"),
    "missed": Variable(LIMIT, "1", "number of violations of a limit"),
    "missed_amount": Variable(LIMIT, "", "largest violation of a limit, in limit_measure"),
    "missed_in_hour": Variable(HOURLY, "1", "replications that missed a limit in this hour"),
    "first_in_hour": Variable(HOURLY, "1", "replications whose first violation is of this limit in this hour"),
    "fan_mw": optional(("quantile", "meter"), "MW", "net grid import, quantiles over the first fan_of replications"),
    **{
        prefix + name: optional(REPLICATION, unit, f"{says} {name}")
        for name, unit in (
            ("demand_cost", "{currency}"),
            ("grid_average_kg", "kg CO2e"),
            ("grid_marginal_kg", "kg CO2e"),
        )
        for prefix, says in (("", "part of the figures:"), ("baseline_", "the baseline's"))
    },
    # if recourse is allowed
    "recourses": optional(REPLICATION, "1", "number of actions of the dispatcher to keep a limit"),
    "recourse_cost": optional(REPLICATION, "{currency}", "cost of these actions"),
    "baseline_recourses": optional(REPLICATION, "1", "the baseline's recourses"),
    "baseline_recourse_cost": optional(REPLICATION, "{currency}", "the baseline's recourse_cost"),
    # heats
    "waited_min": optional(("replication", "stage"), "min", "waits before a stage, transfers left out"),
    "longest_wait_min": optional(("replication", "stage"), "min", "longest wait before a stage"),
    "down_min": optional(("replication", "unit"), "min", "standstill due to breakdowns during operations"),
    # stores
    "lowest_t": optional(("replication", "stock"), "t", "lowest level at the end of a step"),
    "last_t": optional(("replication", "stock"), "t", "level at the end of the horizon"),
    # baseline with the same disturbances
    "baseline_carbon_kg": optional(REPLICATION, "kg CO2e", "the baseline's carbon_kg"),
    "baseline_cost": optional(REPLICATION, "{currency}", "the baseline's cost"),
    "baseline_peak_mw": optional(REPLICATION, "MW", "the baseline's peak_mw"),
    "baseline_late_heats": optional(REPLICATION, "1", "the baseline's late_heats"),
    "baseline_missed_deliveries": optional(REPLICATION, "1", "the baseline's missed_deliveries"),
    "baseline_violations": optional(REPLICATION, "1", "the baseline's violations"),
    "more_carbon_kg": optional(REPLICATION, "kg CO2e", "value of stock and deliveries beyond the baseline's"),
    "more_cost": optional(REPLICATION, "{currency}", "value of stock and deliveries beyond the baseline's"),
    **{
        prefix + row.figure: optional(REPLICATION, row.unit, f"{says} {name}")
        for name, row in FACTORS.items()
        for prefix, says in (("", "by its factors:"), ("baseline_", "the baseline's"), ("more_", "value of stock in"))
    },
}
"""Statistics of disturbed replays. A ``limit`` is a kind of violation at a place; only limits that were missed in at
least one replication are included. The coordinates ``limit_kind``, ``limit_stage`` (or process), ``limit_unit`` and
``limit_measure`` identify it; stage and unit are empty for limits of the site. A late heat counts at its last stage.
``hour`` counts from the start of the horizon; violations after its end fall into one additional hour."""


def check(data: xr.Dataset, table: dict[str, Variable]) -> xr.Dataset:
    """Check a dataset against its table, and attach units and descriptions to its variables.

    Raises:
        ValueError: a variable is missing, unknown or does not have the declared dimensions; an attribute or the kind of
            a violation has an undeclared value.
    """
    for name, attribute in table.attributes.items() if isinstance(table, Table) else ():
        if name in data.attrs and not attribute.fits(data.attrs[name]):
            raise ValueError(f"attribute {name} has the value {data.attrs[name]!r}")
    kinds = set(data["violation_kind"].values.tolist()) if "violation_kind" in data else set()
    if not kinds <= {kind.value for kind in ViolationKind}:
        raise ValueError(f"violations of kinds that are not declared: {', '.join(sorted(kinds - set(ViolationKind)))}")
    unknown = sorted(set(map(str, data.data_vars)) - set(table))
    if unknown:
        raise ValueError(f"variables that no table declares: {', '.join(unknown)}")
    columns = data.variables  # DataArrays with coordinates are slow to create
    for name, variable in table.items():
        if name not in columns:
            if variable.optional:
                continue
            raise ValueError(f"variable {name} is missing")
        column = columns[name]
        if column.dims != variable.dims:
            raise ValueError(f"variable {name} has dimensions {column.dims}, declared are {variable.dims}")
        text = column.dtype.kind in "UOT"
        if text != variable.text or (not text and column.dtype.kind not in "fiub"):
            raise ValueError(f"variable {name} has type {column.dtype}")
        column.attrs.update(units=variable.unit, long_name=variable.says)
    return data


def metered(times: np.ndarray, step_min: float, metered_min: float) -> np.ndarray:
    """Return the start of each metered interval of a horizon, shape (n_metered,)."""
    length = len(times) * step_min
    return times[0] + np.arange(round(length / metered_min)) * np.timedelta64(round(metered_min * 60), "s")
