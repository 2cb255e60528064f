"""Every dataset passed between rooms: its variables, their dimensions and units of measure.

The twin and the models meet only here. Times are minutes after the horizon's start (``…_min``); the coordinate
``time`` is the start of each step in naive UTC, ``meter`` the start of each metered interval. Power is the mean over
the interval. Power and energy are positive in the direction that the variable's name says.
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

# xarray looks once for arrays of Dask and of pint, which nobody makes here
with spared("dask.array", "pint"):
    xr.Dataset(coords={"time": [0.0]})


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset."""

    dims: tuple[str, ...]
    unit: str
    says: str
    text: bool = False
    optional: bool = False


def optional(dims: tuple[str, ...], unit: str, says: str, text: bool = False) -> Variable:
    """A variable that a dataset need not have."""
    return Variable(dims, unit, says, text, optional=True)


class Status(StrEnum):
    """Outcome of a search."""

    WITHIN_GAP = "within gap"
    BEST_FOUND = "best found"
    CANCELLED = "cancelled"
    INFEASIBLE = "infeasible"
    RULED_OUT_ON_GRID = "no plan on this grid"
    """No start on slots meets all limits, which proves nothing of starts between them."""
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
    """Action of a dispatcher to meet a limit; below each, the quantity that ``recourse_amount`` counts."""

    CAST_LONGER = "cast longer"
    """A heat that was cast longer than planned [min]."""
    START_LATER = "start later"
    """A start that load management held back [min]."""
    LESS_POWER = "less power"
    """A heat whose power load management held back: by how much it took longer [min]."""
    END_CAST = "end of cast"
    """A cast that ended early: by how much the next heat was expected too late [min]."""
    RETURN = "return"
    """A heat that went back to the ladle furnace: what it drew there [MWh]."""
    ASSET = "asset"
    """A set-point that gave way to a need [its unit]."""
    BATTERY = "battery"
    """Energy by which the battery's set-points gave way to the import limit [MWh]."""
    ENGINE = "engine"
    """Electricity that a machine gave more than planned, for the import limit [MWh]."""


class ViolationKind(StrEnum):
    """Limit that a run missed; behind it what ``violation_amount`` counts, and in which unit of measure."""

    WAIT = "wait"
    """A heat waited longer than allowed [min]."""
    CAST = "cast"
    """A gap within a cast [min]."""
    LOCK = "lock"
    """A start outside what the planner locked [min]."""
    OUTAGE = "outage"
    """Work while the unit is not available [min]."""
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
    """A battery or store filled and emptied at the same time, which cannot be [MW, its unit]."""
    ASSET = "asset"
    """Set-points that an asset cannot follow [its unit]."""
    SHORTAGE = "shortage"
    """A need of a carrier that nothing covers [its unit]."""
    SURPLUS = "surplus"
    """A carrier that can go nowhere [its unit]."""
    LEVEL = "level"
    """A store outside its band, or below its end level [its unit]."""
    PROCESS = "process"
    """Planned product that was not made [t]."""
    DELIVERY = "delivery"
    """Product that was not delivered [t]."""
    RUN = "run"
    """A run shorter than the least one [h]."""
    REST = "rest"
    """A rest shorter than the least one [h]."""
    RAMP = "ramp"
    """A rate that changed too fast [t/h]."""
    STOP = "stop"
    """A planned stop that was not made in full [h]."""
    STANDSTILL = "standstill"
    """A unit that stood though it must run [h]."""
    ENERGY = "energy"
    """Electricity of a day drawn otherwise than asked for [MWh]."""

    @property
    def late(self) -> bool:
        """Whether a heat misses its due time."""
        return self in (ViolationKind.DUE, ViolationKind.UNFINISHED)


@dataclass(frozen=True)
class Attribute:
    """One attribute of a dataset."""

    kind: type[int] | type[float] | type[str] | type[StrEnum]
    """An enumeration holds all values that it may have."""
    unit: str
    says: str

    def fits(self, value: Any) -> bool:
        """Whether a value is of the kind."""
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
        """By name; an attribute for each phase of a search begins with ``seconds``."""


COMPLETE = Attribute(int, "", "1: every heat has a start and meets its due time; every delivery and end level is met")
SCHEDULE_ATTRIBUTES = {
    "policy": Attribute(Policy, "", "whose list of starts it is"),
    "complete": COMPLETE,
    "unplaced": Attribute(str, "", "names of heats, deliveries or units that it leaves out"),
    "grid_min": Attribute(float, "min", "moments on which its starts lie, where they are finer than the steps"),
    # of a search
    "found": Attribute(int, "", "1: there is a schedule"),
    "status": Attribute(Status, "", "how the search ended"),
    "reason": Attribute(str, "", "why it ended so, in words"),
    "goal": Attribute(str, "", "goal.minimize of the scenario"),
    "objective": Attribute(float, "kg CO2e, {currency} or min", "what is minimized, constants left out"),
    "bound": Attribute(float, "kg CO2e, {currency} or min", "proven lower bound of the objective; missing: none"),
    "gap": Attribute(float, "1", "relative gap between objective and bound; missing: none"),
    "constant": Attribute(float, "kg CO2e or {currency}", "part of the goal that no schedule changes"),
    "credit": Attribute(float, "kg CO2e or {currency}", "worth of stock above the level wanted at the end"),
    "strategy": Attribute(str, "", "strategy of the search"),
}
RUN_ATTRIBUTES = {
    "policy": Attribute(Policy, "", "whose list of starts was followed"),
    "seed": Attribute(int, "", "random seed"),
    "replication": Attribute(int, "", "number of the replication, from 0"),
    "disturbed": Attribute(int, "", "1: durations, energies, rates and breakdowns scatter"),
    "tonnes": Attribute(float, "t", "finished within the horizon, or delivered"),
    "heats": Attribute(int, "", "heats finished within the horizon"),
    "complete": COMPLETE,
    "metered_interval_min": Attribute(float, "min", "length of a metered interval"),
    "start": Attribute(str, "", "start of the horizon, ISO 8601 in UTC"),
}

STEP = ("time",)
FLOWS = {
    "line_mw": Variable(STEP, "MW", "electricity of the line"),
    "idle_mw": optional(STEP, "MW", "part of line_mw that units draw outside work, by their states"),
    "charge_mw": Variable(STEP, "MW", "battery charge at its terminals"),
    "discharge_mw": Variable(STEP, "MW", "battery discharge at its terminals"),
    "battery_mwh": Variable(STEP, "MWh", "battery level at the end of the step"),
    "import_mw": Variable(STEP, "MW", "import from the grid"),
    "export_mw": Variable(STEP, "MW", "export to the grid"),
    "meter_mw": Variable(("meter",), "MW", "net grid import, mean over the metered interval (negative: export)"),
    # of the site's assets; not there where a schedule is empty
    "asset_rate": optional(
        ("flow", "time"), "", "what an asset delivers to a carrier's balance per hour, negative: takes"
    ),
    "asset_level": optional(("store", "time"), "", "level of a store at the end of the step"),
    "asset_on": optional(("machine", "time"), "1", "share of the step in which a machine is on"),
    "line_rate": optional(("given", "time"), "", "what the line gives of a carrier per hour"),
    "dumped_rate": optional(("carrier", "time"), "", "surplus of a carrier vented per hour"),
    # of processes and the stores between them; not there where there are none
    "process_mode": optional(("process", "time"), "", "mode of a unit as the step begins; empty: it stands", text=True),
    "process_tph": optional(("process", "time"), "t/h", "rate of a unit, off-spec product included"),
    "off_spec_tph": optional(("process", "time"), "t/h", "part of the rate that gives off-spec product"),
    "process_mw": optional(("process", "time"), "MW", "electricity of a unit, part of line_mw"),
    "stream_rate": optional(
        ("stream", "time"), "", "what a unit gives to a store or carrier per hour, negative: takes"
    ),
    "stock_t": optional(("stock", "time"), "t", "level of a store at the end of the step"),
    "stock_in_t": optional(("stock", "time"), "t", "what comes into a store in the step"),
    "stock_out_t": optional(("stock", "time"), "t", "what leaves a store in the step"),
    "stock_lost_t": optional(("stock", "time"), "t", "what a store loses by itself in the step"),
    "delivered_t": optional(("delivery", "time"), "t", "what leaves by a delivery in the step"),
    "arrived_t": optional(("arrival", "time"), "t", "what comes by an arrival in the step"),
}
"""A ``flow`` is labelled by its asset and, where that has several, their key: ``boiler.main``, ``boiler.inputs.0``,
``boiler.outputs.0``, ``boiler.start_fuel`` of machines (``Converter.flows``), ``tank.in`` and ``tank.out`` of stores.
Its coordinates ``flow_asset``, ``flow_carrier`` and ``flow_unit`` tell whose it is and its unit (MW, t/h, Nm3/h);
``store_unit`` (MWh, t, Nm3) and ``carrier_unit`` (per hour) do so for levels and surplus.

``process`` is labelled by units (``Process.units``), a ``stream`` by unit, direction and store or carrier:
``kiln.in.meal``, ``kiln.out.clinker``, ``kiln.in.coal`` (``scenarios.flows.process_flows.streams``). Its coordinates
``stream_process``, ``stream_place`` and ``stream_unit`` (t/h, MW, Nm3/h) tell whose it is, where it goes and its unit.
Off-spec product takes from stores and carriers as good product does, and gives to none. In a schedule a unit with a
mode whose rate is zero starts up or changes over, to run in that mode."""

INPUTS = Table(
    {
        "price_per_mwh": Variable(STEP, "{currency}/MWh", "price of imported energy"),
        "export_price_per_mwh": Variable(STEP, "{currency}/MWh", "price of exported energy"),
        "carbon_intensity_kg_per_mwh": Variable(STEP, "kg/MWh", "average intensity of the grid"),
        "marginal_carbon_intensity_kg_per_mwh": optional(STEP, "kg/MWh", "marginal intensity of the grid"),
        "residual_kg_per_mwh": optional(STEP, "kg/MWh", "residual mix, market-based"),
        "short_price_per_mwh": optional(STEP, "{currency}/MWh", "price of energy taken beyond nomination"),
        "long_price_per_mwh": optional(STEP, "{currency}/MWh", "price of energy nominated and not taken"),
        "contract_mw": optional(("contract", "time"), "MW", "profiles of contracts that are not constant"),
        "base_load_mw": Variable(STEP, "MW", "fixed base load"),
        "pv_available_mw": Variable(STEP, "MW", "what the PV plant could give"),
        "asset_values": optional(("series", "time"), "", "series of assets that are not constant"),
        "demand_tph": optional(("demand", "time"), "t/h", "what deliveries ask for that are no orders"),
        "arrival_tph": optional(("arrival", "time"), "t/h", "what arrivals bring"),
    },
    {
        "currency": Attribute(str, "", "currency of the market"),
        "zone": Attribute(str, "", "time zone of the plant"),
    },
)
"""``Case.inputs``: the scenario's series on its steps."""

HEAT_UNIT = ("heat", "unit")
HEAT_STAGE = ("heat", "stage")
ENVELOPE = Table(
    {
        "order": Variable(("heat",), "", "order that the heat belongs to", text=True),
        "grade": Variable(("heat",), "", "grade of the heat", text=True),
        "duration_min": Variable(HEAT_UNIT, "min", "nominal duration; missing where the heat cannot run there"),
        "planned_min": Variable(HEAT_UNIT, "min", "duration that the plan reckons with, a quantile, at least nominal"),
        "energy_mwh": Variable(HEAT_UNIT, "MWh", "nominal electricity, reheating left out"),
        "available": Variable(("unit", "time"), "1", "share of the step in which the unit may work"),
        "started_min": Variable(HEAT_STAGE, "min", "start of an operation that has begun already; else missing"),
        "started_unit": Variable(HEAT_STAGE, "", "unit of an operation that has begun already; else empty", text=True),
        "process_available": optional(
            ("process", "time"), "1", "1 in steps in which a unit of a process may run all through, else 0"
        ),
        "process_planned": optional(
            ("process",), "1", "rate that the plan reckons with by the nominal one, a quantile, at most 1"
        ),
        "stock_start_t": optional(("stock",), "t", "level of a store at the start"),
    },
    {"planning_quantile": Attribute(float, "1", "quantile of durations that the plan reckons with")},
)
"""Made by ``twin.envelope``, read by ``models.optimize``."""

SCHEDULE = Table(
    {
        "unit": Variable(HEAT_STAGE, "", "unit that takes the heat; empty where its route skips the stage", text=True),
        "start_min": Variable(HEAT_STAGE, "min", "start; missing where the route skips the stage"),
        "end_min": Variable(HEAT_STAGE, "min", "end by the duration that the plan reckons with"),
        "extra_mwh": Variable(HEAT_STAGE, "MWh", "reheating for the wait before, part of the operation's energy"),
        **FLOWS,
    },
    SCHEDULE_ATTRIBUTES,
)
"""Made by ``models.optimize`` or the baseline, followed by ``twin.replay``."""

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
        "op_down_min": Variable(("operation",), "min", "standstill by breakdown within the operation"),
        "violation_kind": Variable(("violation",), "", f"kind of limit: {', '.join(ViolationKind)}", text=True),
        "violation_heat": Variable(("violation",), "", "heat, where one is concerned", text=True),
        "violation_unit": Variable(("violation",), "", "unit, where one is concerned", text=True),
        "violation_at_min": Variable(("violation",), "min", "when"),
        "violation_amount": Variable(("violation",), "", "by how much the limit was missed, in violation_measure"),
        "violation_measure": Variable(("violation",), "", "unit of measure of the amount", text=True),
        "heat_mwh": optional(("heat", "time"), "MWh", "electricity of each heat in each step"),
        # breakdowns; not there where nothing broke down
        "stop_unit": optional(("stop",), "", "unit that broke down", text=True),
        "stop_at_min": optional(("stop",), "min", "when"),
        "stop_min": optional(("stop",), "min", "how long its repair took"),
        # how units of processes stand at the end of each step; not there where there are none
        "unit_mode": optional(UNIT_STEP, "", "mode in which a unit runs, or is about to; empty: it stands", text=True),
        "unit_since_h": optional(UNIT_STEP, "h", "for how long it has run or stood"),
        "unit_rate_tph": optional(UNIT_STEP, "t/h", "rate that it is set to"),
        "unit_ready_in_h": optional(UNIT_STEP, "h", "what is left of a start-up or change-over"),
        "unit_leaves": optional(UNIT_STEP, "", "mode that it changes over from; empty: none", text=True),
        "unit_off_spec_t": optional(UNIT_STEP, "t", "off-spec product that it has still to make"),
        # recourse; not there where nothing was done
        "recourse_kind": optional(("recourse",), "", f"what was done: {', '.join(RecourseKind)}", text=True),
        "recourse_unit": optional(("recourse",), "", "unit or asset", text=True),
        "recourse_at_min": optional(("recourse",), "min", "when"),
        "recourse_amount": optional(("recourse",), "", "by how much, in recourse_measure"),
        "recourse_measure": optional(("recourse",), "", "unit of measure of the amount", text=True),
        "recourse_cost": optional(("recourse",), "{currency}", "what it cost"),
        **FLOWS,
    },
    RUN_ATTRIBUTES,
)
"""Made by ``twin.simulate`` and ``twin.replay``: what happened."""

REPLICATION = ("replication",)
LIMIT = ("replication", "limit")
HOURLY = ("limit", "hour")
ENSEMBLE = {
    "carbon_kg": Variable(REPLICATION, "kg CO2e", "scope 1 and 2 by the goal's signal"),
    "cost": Variable(REPLICATION, "{currency}", "energy and carbon price less what export earns"),
    "peak_mw": Variable(REPLICATION, "MW", "highest metered mean of the grid import"),
    "tonnes": Variable(REPLICATION, "t", "finished within the horizon, or delivered"),
    "late_heats": Variable(REPLICATION, "1", "heats finished after they were due, or not at all"),
    "late_t": Variable(REPLICATION, "t", "mass of the late heats"),
    "late_min": optional(REPLICATION, "min", "by how much the latest heat is late"),
    "missed_deliveries": Variable(REPLICATION, "1", "deliveries that were not served in full"),
    "short_t": Variable(REPLICATION, "t", "what was not delivered"),
    "held": Variable(REPLICATION, "1", "1: no limit was missed"),
    "violations": Variable(REPLICATION, "1", "limits missed"),
    "first_limit": Variable(REPLICATION, "1", "place along limit of what was missed first; -1: nothing"),
    "first_min": Variable(REPLICATION, "min", "when; missing where nothing was missed"),
    "first_heat": Variable(REPLICATION, "", "heat of what was missed first, where one is concerned", text=True),
    "first_down_min": Variable(REPLICATION, "min", "standstill by breakdown of all units until then"),
    "missed": Variable(LIMIT, "1", "how often a limit was missed"),
    "missed_amount": Variable(LIMIT, "", "by how much at most, in limit_measure"),
    "missed_in_hour": Variable(HOURLY, "1", "replications in which a limit was missed in this hour"),
    "first_in_hour": Variable(HOURLY, "1", "replications in which it was what was missed first"),
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
    # where recourse acted
    "recourses": optional(REPLICATION, "1", "what the dispatcher did to keep a limit"),
    "recourse_cost": optional(REPLICATION, "{currency}", "what that cost"),
    "baseline_recourses": optional(REPLICATION, "1", "the baseline's recourses"),
    "baseline_recourse_cost": optional(REPLICATION, "{currency}", "the baseline's recourse_cost"),
    # of heats
    "waited_min": optional(("replication", "stage"), "min", "waits before a stage, transfers left out"),
    "longest_wait_min": optional(("replication", "stage"), "min", "longest of them"),
    "down_min": optional(("replication", "unit"), "min", "standstill by breakdown within operations"),
    # of stores
    "lowest_t": optional(("replication", "stock"), "t", "lowest level at the end of a step"),
    "last_t": optional(("replication", "stock"), "t", "level at the end of the horizon"),
    # the baseline with the same disturbances
    "baseline_carbon_kg": optional(REPLICATION, "kg CO2e", "the baseline's carbon_kg"),
    "baseline_cost": optional(REPLICATION, "{currency}", "the baseline's cost"),
    "baseline_peak_mw": optional(REPLICATION, "MW", "the baseline's peak_mw"),
    "baseline_late_heats": optional(REPLICATION, "1", "the baseline's late_heats"),
    "baseline_missed_deliveries": optional(REPLICATION, "1", "the baseline's missed_deliveries"),
    "baseline_violations": optional(REPLICATION, "1", "the baseline's violations"),
    "more_carbon_kg": optional(REPLICATION, "kg CO2e", "worth of stock and deliveries beyond the baseline's"),
    "more_cost": optional(REPLICATION, "{currency}", "worth of stock and deliveries beyond the baseline's"),
    **{
        prefix + row.figure: optional(REPLICATION, row.unit, f"{says} {name}")
        for name, row in FACTORS.items()
        for prefix, says in (("", "by its factors:"), ("baseline_", "the baseline's"), ("more_", "worth of stock in"))
    },
}
"""Made of disturbed replays. A ``limit`` is a kind of violation at a place; only those that were missed in any
replication are there. Its coordinates ``limit_kind``, ``limit_stage`` (or process), ``limit_unit`` and
``limit_measure`` say which; stage and unit are empty where the site is meant. A late heat counts where it was last.
``hour`` counts from the horizon's start; what comes after its end counts in one more."""


def check(data: xr.Dataset, table: dict[str, Variable]) -> xr.Dataset:
    """Stamp units and descriptions on a dataset and refuse one that does not fit its table.

    Raises:
        ValueError: a variable is missing, unknown or has other dimensions than declared; an attribute or the kind of a
            violation has a value that is not declared.
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
    columns = data.variables  # not as arrays with coordinates, which take long to make
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
    """Start of every metered interval of a horizon, shape (n_metered,)."""
    length = len(times) * step_min
    return times[0] + np.arange(round(length / metered_min)) * np.timedelta64(round(metered_min * 60), "s")
