"""The assets of a scenario made ready to run: who gives and takes which carrier, and in which order they are served."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeVar

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.assets.base import Carrier, Named, of
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, Renewable, Source, Supply

T = TypeVar("T")


def each_after(others: Mapping[T, set[T]]) -> list[T]:
    """Keys in an order in which each comes after its others; else, and in a circle, as they are."""
    remaining, order = list(others), list[T]()
    while remaining:
        order.append(next((one for one in remaining if others[one] <= set(order)), remaining[0]))
        remaining.remove(order[-1])
    return order


class SiteHub:
    """Assets with their series."""

    def __init__(self, scenario: Case) -> None:
        self.scenario = scenario
        self.hours, self.n = scenario.horizon.step_h, scenario.horizon.n_steps
        """Length of a step, and their number."""
        self.carriers: dict[str, Carrier] = scenario.site.carrier
        """Carriers by name."""
        self.assets: tuple[Named, ...] = scenario.site.equipment
        """Assets in declared order, machines as converters."""

    @cached_property
    def series(self) -> dict[str, dict[str, np.ndarray]]:
        """Series of each asset by key."""
        return {asset.name: self.scenario.asset_series(asset.name) for asset in self.assets}

    @cached_property
    def machines(self) -> dict[str, Converter]:
        """Converters by name."""
        return {machine.name: machine for machine in of(self.assets, Converter)}

    @cached_property
    def days(self) -> dict[str, list[tuple[range, float]]]:
        """Steps of each local day, and what a flexible load must take in them."""
        return {name: load.days(self.scenario.horizon) for name, load in self.scenario.site.flexible.items()}

    @cached_property
    def renewables(self) -> dict[str, np.ndarray]:
        """Available output of PV and wind [MW]."""
        return {
            plant.name: plant.available_mw(self.series[plant.name]["capacity_factor"])
            for plant in of(self.assets, Renewable)
        }

    @cached_property
    def fixed(self) -> dict[str, np.ndarray]:
        """Rate that loads and sources deliver per hour, by asset, shape (n_steps,) each."""
        return {asset.name: asset.sign * self.series[asset.name]["rate"] for asset in of(self.assets, Load, Source)}

    @cached_property
    def fixed_mw(self) -> np.ndarray:
        """Load of electricity less the output of sources, shape (n_steps,)."""
        return -sum((self.fixed[asset.name] for asset in self.scenario.site.fixed), np.zeros(self.n))

    @cached_property
    def committed_mw(self) -> np.ndarray:
        """Electricity that is as good as certain: loads less sources and renewables, and what other assets say."""
        totals = self.fixed_mw - sum(self.renewables.values(), np.zeros(self.n))
        for asset in self.scenario.site.assets:
            totals += asset.committed_mw(self.scenario.horizon)
        return totals

    def fixed_rates(self, line_gives: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        """Rate that loads, sources, the line and processes deliver to each carrier per hour; electricity is the grid's.

        What the line and processes take is negative, a need as that of a load. Shape (n_steps,) each.

        Raises:
            ValueError: the line gives what is no carrier of the site's, or electricity.
        """
        totals = {name: np.zeros(self.n) for name in self.carriers}
        for asset in of(self.scenario.site.moving, Load, Source):
            totals[asset.carrier] = totals[asset.carrier] + self.fixed[asset.name]
        for name, rate in (line_gives or {}).items():
            if name == ELECTRICITY or name not in totals:
                names = ", ".join(other for other in totals if other != ELECTRICITY)
                raise ValueError(f"the line gives {name!r}; carriers it may give to are {names or 'none'}")
            totals[name] = totals[name] + np.asarray(rate, dtype=float)
        return totals

    def product(self, machine: Converter) -> str | None:
        """The carrier for which a machine is run: its main output, else its first one."""
        if machine.main == "output":
            return machine.carrier
        return machine.outputs[0].carrier if machine.outputs else None

    def inputs(self, machine: Converter) -> list[str]:
        """Carriers that it takes in operation."""
        main = [machine.carrier] if machine.main == "input" else []
        return [*main, *(stream.carrier for stream in machine.inputs)]

    @cached_property
    def supplies(self) -> tuple[Supply, ...]:
        """Supplies of the site, in declared order."""
        return of(self.assets, Supply)

    @cached_property
    def bought(self) -> frozenset[str]:
        """Carriers with a supply."""
        return frozenset(supply.carrier for supply in self.supplies)

    @cached_property
    def engines(self) -> tuple[str, ...]:
        """Machines that make electricity of what is bought."""
        return tuple(
            name
            for name, machine in self.machines.items()
            if self.product(machine) == ELECTRICITY
            and all(carrier in self.bought for carrier in self.inputs(machine) if carrier != ELECTRICITY)
        )

    @cached_property
    def driven(self) -> tuple[str, ...]:
        """Machines that make electricity of what is not bought: turbines, ORC, an engine on by-product gas."""
        return tuple(
            name
            for name, machine in self.machines.items()
            if self.product(machine) == ELECTRICITY and name not in self.engines
        )

    @cached_property
    def recoverers(self) -> tuple[str, ...]:
        """Machines that make something else than electricity of waste."""
        totals = []
        for name, machine in self.machines.items():
            fed = [carrier for carrier in self.inputs(machine) if carrier != ELECTRICITY]
            if self.product(machine) not in (None, ELECTRICITY) and fed and all(self.carriers[c].waste for c in fed):
                totals.append(name)
        return tuple(totals)

    @cached_property
    def makers(self) -> dict[str, list[str]]:
        """Machines to which a need of each carrier may turn, in declared order; those that recover left out."""
        totals: dict[str, list[str]] = {name: [] for name in self.carriers}
        for name, machine in self.machines.items():
            if name in self.recoverers:
                continue
            product = self.product(machine)
            if product is not None and (product != ELECTRICITY or name in self.engines):
                totals[product].append(name)
            if product == ELECTRICITY:
                for stream in machine.outputs:
                    if stream.carrier != ELECTRICITY and name not in totals[stream.carrier]:
                        totals[stream.carrier].append(name)
        return totals

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Carriers from uses to sources: each after all that is made of it; in a cycle as declared."""
        after: dict[str, set[str]] = {name: set() for name in self.carriers}
        for carrier in self.carriers:
            recovering = [name for name in self.recoverers if self.product(self.machines[name]) == carrier]
            for name in (*self.makers[carrier], *recovering):
                fuel = self.machines[name].start_fuel
                for source in (*self.inputs(self.machines[name]), *((fuel.carrier,) if fuel else ())):
                    if source != carrier:
                        after[source].add(carrier)
        # electricity as late as may be: the grid takes what is left
        before_electricity = after.pop(ELECTRICITY)
        return tuple(each_after({**after, ELECTRICITY: before_electricity}))

    @cached_property
    def cyclic(self) -> bool:
        """Whether something is made, by way of others, of itself."""
        for machine in self.machines.values():
            product = self.product(machine)
            if product is not None and any(
                self.order.index(source) < self.order.index(product) for source in self.inputs(machine)
            ):
                return True
        return False


class TankRun:
    """A store in the course of the horizon. Rates count at its terminals."""

    def __init__(self, store: Storage, hours: float, n: int) -> None:
        self.store = store
        self.name, self.carrier = store.name, store.carrier
        self.level = store.start_level
        self.end_level = store.end_level
        self._retention, counting = store.retention(hours), store.effective_hours(hours)
        self._gain, self._loss = counting * store.in_efficiency, counting / store.out_efficiency
        # of a step, from its beginning on
        self._most_in: float
        self._most_out: float
        self._rest: float
        self.put_in: float
        self.put_out: float
        self.ins, self.outs, self.levels = np.zeros(n), np.zeros(n), np.zeros(n)

    def begin(self) -> None:
        """Start a step, with nothing put in or out."""
        self._most_in, self._most_out = self.store.rate_limits(self.level)
        self._rest = self.level * self._retention
        self.put_in = self.put_out = 0.0

    @property
    def after(self) -> float:
        """Level at the step's end, as things stand."""
        return self._rest + self.put_in * self._gain - self.put_out * self._loss

    def room(self, until: float | None = None) -> float:
        """Additional input that is possible per hour, until a level; None: until the highest one."""
        highest = self.store.highest if until is None else min(until, self.store.highest)
        if not self._gain:
            return 0.0
        return max(min(self._most_in - self.put_in, (highest - self.after) / self._gain), 0.0)

    def stock(self, until: float | None = None) -> float:
        """Additional output that is possible per hour, until a level; None: until the lowest one."""
        lowest = self.store.lowest if until is None else max(until, self.store.lowest)
        if not self._loss:
            return 0.0
        return max(min(self._most_out - self.put_out, (self.after - lowest) / self._loss), 0.0)

    def may_leave(self) -> float:
        """By how much less may be put in per hour without leaving the band of levels."""
        if not self._gain:
            return self.put_in
        return max(min(self.put_in, (self.after - self.store.lowest) / self._gain), 0.0)

    def follow(self, put_in: float, put_out: float) -> None:
        """Put in and out the set-points, as far as rates and levels allow."""
        self.put_in, self.put_out = min(max(put_in, 0.0), self._most_in), min(max(put_out, 0.0), self._most_out)
        over, under = self.after - self.store.highest, self.store.lowest - self.after
        if over > 0 and self._gain:
            self.put_in = max(self.put_in - over / self._gain, 0.0)
        elif under > 0 and self._loss:
            self.put_out = max(self.put_out - under / self._loss, 0.0)

    def end(self, t: int) -> None:
        """Write down what it did."""
        self.level = max(self.after, 0.0)
        self.ins[t], self.outs[t], self.levels[t] = self.put_in, self.put_out, self.level
