"""Converter model shared by all machines on the site: flows as functions of load, switching and ramps.

The capacity of a converter refers to its *main flow*; the *load* is the main flow as a share of the capacity. All
other flows are functions of the load. Engines, boilers, heat pumps and other machines
(``scenarios/assets/machines.py``) are converted to this record, so that twin and model need only one kind of machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from emberline.scenarios.assets.base import AssetSeries, Emitted, Item, Named, Use
from emberline.scenarios.assets.quantity import Amount, KilogramsPerUnit, MoneyPerUnit, PerHour
from emberline.scenarios.records.base import Place, Record
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.quantity import Fraction, Money, read_in
from emberline.scenarios.records.series import FactorSeries, Series

SPAN = Annotated[float, read_in("h"), Field(ge=0, le=10_000)]
"""Non-negative duration [h]."""
ON = 0.5
"""Share of a step above which a machine counts as on in the step."""
CARRIER_FIELDS = ("fuel", "heat", "source", "input", "exhaust", "hydrogen", "oxygen", "waste_heat", "carrier")
"""Fields of machines that name a carrier."""
Ramp = Annotated[float, read_in("1/h"), Field(gt=0, le=1e4)]
"""Share of the capacity per hour."""


class LoadPoint(Record):
    """Ratio of a flow to the main flow at one load."""

    load: Fraction
    """Main flow as a share of the capacity."""
    per_unit: float = Field(ge=0)
    """Amount of the flow's carrier per unit of the main flow at this load."""


class Stream(Record):
    """Secondary flow, proportional to the main flow (by a number or a series) or given by load."""

    carrier: str
    per_unit: FactorSeries | None = None
    """Amount of this carrier per unit of the main flow."""
    by_load: tuple[LoadPoint, ...] = ()
    """Ratio at several loads. The flow is linear between them and proportional to the load below the first."""

    def check(self) -> None:
        if (self.per_unit is None) == (not self.by_load):
            raise ValueError(f"flow of {self.carrier}: give exactly one of per_unit and by_load")
        loads = [point.load for point in self.by_load]
        if self.by_load and (loads != sorted(set(loads)) or loads[0] == 0 or loads[-1] != 1):
            raise ValueError(f"flow of {self.carrier}: loads must rise from above 0 to 1, each once")

    def at(self, load: np.ndarray) -> np.ndarray:
        """Compute a flow given by load, per unit of capacity; same shape as ``load``."""
        loads = np.array([0.0, *(point.load for point in self.by_load)])
        flows = np.array([0.0, *(point.load * point.per_unit for point in self.by_load)])
        return np.asarray(np.interp(load, loads, flows))


class Batch(Record):
    """An amount of a carrier."""

    carrier: str
    amount: Amount


class MachineState(Record):
    """State of a machine when the horizon begins."""

    on: bool
    since_h: SPAN = 10_000.0
    """Time since it was last switched; by default long enough to be switched again."""
    load: Fraction | None = None
    """Load at the start of the horizon, for ramps; none: the minimum load if it is on."""

    def check(self) -> None:
        if not self.on and self.load:
            raise ValueError(f"a machine that is off has no load, got {self.load:g}")


class Machine(Named):
    """Machine with optional limits and costs of switching and load changes."""

    counted: ClassVar[str] = "main"
    emits: ClassVar[bool] = True
    courses: ClassVar[Mapping[str, str]] = {"availability": ""}
    min_load: Fraction = 0.0
    """Minimum load while it is on."""
    min_up_h: SPAN = 0.0
    min_down_h: SPAN = 0.0
    start_cost: Money = Field(default=0.0, ge=0)
    stop_cost: Money = Field(default=0.0, ge=0)
    start_fuel: Batch | None = None
    """Fuel consumed in the step in which it starts."""
    running_cost_per_h: Money = Field(default=0.0, ge=0)
    """Cost per hour while it is on, independent of the load."""
    ramp_up_per_h: Ramp | None = None
    """Largest increase of the load per hour, as a share of the capacity."""
    ramp_down_per_h: Ramp | None = None
    start_load: Fraction | None = None
    """Highest load immediately after a start; none: ``min_load`` if it has a ramp up, else the capacity."""
    stop_load: Fraction | None = None
    """Highest load from which it may stop immediately; none: ``min_load`` if it has a ramp down, else the capacity."""
    availability: FactorSeries = Series(value=1.0)
    """Share of the capacity that is available."""
    state: MachineState | None = None
    """State at the start of the horizon; none: off for a long time, but without switching the initial load is free."""

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Iterate over the carriers named in its fields, including that of the start fuel."""
        for field in type(self).model_fields:
            if field in CARRIER_FIELDS and getattr(self, field) is not None:
                yield (field,), getattr(self, field)
        if self.start_fuel is not None:
            yield ("start_fuel", "carrier"), self.start_fuel.carrier

    def later(self, core: Converter, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Return the state after ``k`` steps: on or off, since when, and the load."""
        return {"state": core.state_after(use, k)} if k else {}

    def converter(self, carrier: str, capacity: float, **flows: Any) -> Converter:
        """Return the machine as a converter with the given flows; all other fields are copied."""
        shared = Converter.model_fields.keys() & type(self).model_fields.keys()
        # the fields are already valid, and quantities are numbers in the right unit
        common = {field: getattr(self, field) for field in shared}
        return Converter.model_validate(
            common | {"kind": "converter", "carrier": carrier, "capacity": capacity} | flows
        )


class Converter(Machine):
    """Machine with a main flow and flows that depend on it. It may also be used directly in a scenario."""

    size: ClassVar[str] = "capacity"
    kind: Literal["converter"]
    carrier: str
    """Carrier of the main flow."""
    main: Literal["output", "input"] = "output"
    capacity: PerHour
    """Largest main flow per hour."""
    inputs: tuple[Stream, ...] = ()
    outputs: tuple[Stream, ...] = ()
    cost_per_unit: MoneyPerUnit = Field(default=0, ge=0)
    """Cost of wear and maintenance per unit of the main flow."""
    fossil_kg_per_unit: KilogramsPerUnit = 0
    """Direct emissions per unit of the main flow that are not included in the factor of a fuel."""
    biogenic_kg_per_unit: KilogramsPerUnit = 0

    def check(self) -> None:
        for stream in (*self.inputs, *self.outputs):
            if stream.by_load and 0 < self.min_load < stream.by_load[0].load - 1e-12:
                raise ValueError(
                    f"flow of {stream.carrier} is known from load {stream.by_load[0].load:g} on, "
                    f"min_load {self.min_load:g} is below it"
                )

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Iterate over all its carriers."""
        yield from super().touches()
        for side in ("inputs", "outputs"):
            for i, stream in enumerate(getattr(self, side)):
                yield (side, i, "carrier"), stream.carrier

    def wants(self) -> Iterator[AssetSeries]:
        """Iterate over its series: ``availability``, and flows such as ``inputs.0`` or ``outputs.1``."""
        yield from super().wants()
        for key, stream in self.streams():
            if stream.per_unit is not None:
                side, number = key.split(".")
                yield AssetSeries(key, (side, int(number), "per_unit"), stream.per_unit)

    def streams(self) -> Iterator[tuple[str, Stream]]:
        """Iterate over the secondary flows with their keys."""
        for i, stream in enumerate(self.inputs):
            yield f"inputs.{i}", stream
        for i, stream in enumerate(self.outputs):
            yield f"outputs.{i}", stream

    @cached_property
    def switched(self) -> bool:
        """Whether the model needs its on/off state in addition to the load."""
        return bool(
            self.min_load or self.min_up_h or self.min_down_h or self.start_cost or self.stop_cost
            or self.start_fuel or self.running_cost_per_h or self.start_load is not None or self.stop_load is not None
        )  # fmt: skip

    @cached_property
    def knots(self) -> np.ndarray:
        """Loads from minimum to full load between which every flow is linear."""
        loads = {point.load for _, stream in self.streams() for point in stream.by_load}
        return np.array(sorted({self.min_load, 1.0, *(load for load in loads if load > self.min_load)}))

    def on_at_start(self) -> bool:
        """Return whether it is on at the start of the horizon."""
        return self.state is not None and self.state.on

    def load_at_start(self) -> float | None:
        """Return the load at the start of the horizon; None: free."""
        if self.state is None:
            return 0.0 if self.switched else None
        return (self.min_load if self.state.load is None else self.state.load) if self.state.on else 0.0

    def held_h(self) -> float:
        """Return the time from the start of the horizon during which it must keep its on/off state [h]."""
        if self.state is None:
            return 0.0
        return max((self.min_up_h if self.state.on else self.min_down_h) - self.state.since_h, 0.0)

    def state_after(self, use: Use, k: int) -> MachineState | None:
        """Return the state at the end of step ``k - 1``."""
        ramps = self.ramp_up_per_h is not None or self.ramp_down_per_h is not None
        if not self.switched and not ramps:
            return self.state
        assert use.on is not None
        loads, on, hours = np.abs(use.rates["main"]) / (self.capacity or 1.0), use.on > ON, use.hours
        now = bool(on[k - 1])
        changed = np.flatnonzero(on[:k] != now)
        if len(changed):
            since_h = (k - 1 - int(changed[-1])) * hours
        else:
            before = MachineState(on=False) if self.state is None else self.state
            since_h = k * hours + (before.since_h if self.on_at_start() == now else 0.0)
        load = self._load_after(loads, on, k, hours, ramps)
        # a machine without switching is on if it has a load
        return MachineState(on=now if self.switched else load is not None, since_h=min(since_h, 10_000.0), load=load)

    def _load_after(self, loads: np.ndarray, on: np.ndarray, k: int, hours: float, ramps: bool) -> float | None:
        """Return the load at the end of step ``k - 1``; None: it is off.

        Loads are means over steps. On a ramp, the load between two steps is the average of their means.
        """
        last = float(loads[k - 1])
        after = float(loads[k]) if k < len(loads) else last
        if not self.switched:
            return min((last + after) / 2, 1.0) or None
        if not on[k - 1]:
            return None
        if not ramps:
            return min(last, 1.0)
        if k < len(on) and not on[k]:
            after = last - self.fall(hours) if self.ramp_down_per_h is not None else last
        return min(max((last + after) / 2, self.min_load), 1.0)

    def rise(self, hours: float) -> float:
        """Return the largest increase of the mean load between consecutive intervals of this length."""
        return math.inf if self.ramp_up_per_h is None else self.ramp_up_per_h * hours

    def fall(self, hours: float) -> float:
        """Return the largest decrease of the mean load between consecutive intervals of this length."""
        return math.inf if self.ramp_down_per_h is None else self.ramp_down_per_h * hours

    def first_rise(self, hours: float) -> float:
        """Return the largest increase from the load at the start of the horizon to the mean of the first interval.

        On a linear ramp, the mean over the interval is half the rise above the initial load. With half the ramp here
        and the full ramp between intervals, the energy does not depend on the length of the intervals.
        """
        return self.rise(hours) / 2

    def first_fall(self, hours: float) -> float:
        """Return the largest decrease from the load at the start of the horizon to the mean of the first interval."""
        return self.fall(hours) / 2

    def starting(self, hours: float) -> float:
        """Return the highest mean load in the interval of a start."""
        at_once = (1.0 if self.ramp_up_per_h is None else self.min_load) if self.start_load is None else self.start_load
        return min(1.0, max(at_once + (0.0 if self.ramp_up_per_h is None else self.rise(hours) / 2), self.min_load))

    def stopping(self, hours: float) -> float:
        """Return the highest mean load in the interval before a stop."""
        at_once = (1.0 if self.ramp_down_per_h is None else self.min_load) if self.stop_load is None else self.stop_load
        return min(1.0, max(at_once + (0.0 if self.ramp_down_per_h is None else self.fall(hours) / 2), self.min_load))

    @cached_property
    def flows(self) -> dict[str, str]:
        """Carrier of each flow by key: ``main``, ``inputs.0`` …, ``outputs.0`` …, ``start_fuel``."""
        carriers = {"main": self.carrier, **{key: stream.carrier for key, stream in self.streams()}}
        return carriers if self.start_fuel is None else {**carriers, "start_fuel": self.start_fuel.carrier}

    @property
    def passes_on(self) -> bool:
        """Whether a gas that it consumes may leave it unburned; not if it has emission factors of its own."""
        return not (self.fossil_kg_per_unit or self.biogenic_kg_per_unit)

    @property
    def gives(self) -> tuple[str, ...]:
        """Distinct carriers of its outputs; the main flow last."""
        main = (self.carrier,) if self.main == "output" else ()
        return tuple(dict.fromkeys((*(stream.carrier for stream in self.outputs), *main)))

    @property
    def takes(self) -> tuple[str, ...]:
        """Distinct carriers of its inputs and start fuel; the main flow last."""
        start = () if self.start_fuel is None else (self.start_fuel.carrier,)
        main = (self.carrier,) if self.main == "input" else ()
        return tuple(dict.fromkeys((*(stream.carrier for stream in self.inputs), *start, *main)))

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the cost items: wear by main flow, running hours, starts and stops, unless free."""
        assert use.on is not None
        switched = np.diff(use.on, prepend=float(self.on_at_start()))
        items = (
            Item("wear", np.abs(use.amount("main")), self.cost_per_unit),
            Item("running", use.on * use.hours, self.running_cost_per_h, "h"),
            Item("start", np.maximum(switched, 0.0), self.start_cost, "starts"),
            Item("stop", np.maximum(-switched, 0.0), self.stop_cost, "stops"),
        )
        return tuple(item for item in items if item.price)

    def emitted(self, use: Use) -> Emitted:
        """Compute the direct emissions from the main flow."""
        amount = np.abs(use.amount("main"))
        return Emitted(amount * self.fossil_kg_per_unit, amount * self.biogenic_kg_per_unit)

    def delivered(
        self, load: np.ndarray, starts: np.ndarray, hours: float, series: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Compute the rate of each flow by key, positive for supply [carrier's unit/h], shape (n_steps,) each.

        Args:
            load: main flow as a share of the capacity, shape (n_steps,).
            starts: 1 in steps in which it starts and consumes start fuel, else 0.
            hours: length of a step [h].
            series: series of the asset by key.
        """
        rates = {"main": self.capacity * load * (1 if self.main == "output" else -1)}
        for key, stream in self.streams():
            per_capacity = stream.at(load) if stream.by_load else load * series[key]
            rates[key] = self.capacity * per_capacity * (1 if key.startswith("outputs") else -1)
        if self.start_fuel is not None:
            rates["start_fuel"] = -starts * self.start_fuel.amount / hours
        return rates
