"""The cases that every tool solves, described without any tool's words: plain numbers, by hour, drawn with a seed.

Power in MW, energy in MWh, money in EUR; electricity, heat and fuels are all counted in MWh. Read by the interpreter of
the peers too: only the standard library here.

Where the tools say different things by the same word, the case says what is meant and each side converts:

- Self-loss: of a level E remains E·(1 − loss)^h after h hours, and what is put in at a constant rate loses on its way
  too. The peers apply the loss to the level at the step's start only, so that their efficiencies are multiplied by
  ``Store.counted`` on the way in and divided by it on the way out.
- Ramps hold between the means of neighbouring hours. In the first hour the mean may lie half an hour's ramp from the
  load before the horizon (a load that rises evenly is, in the mean, half the rise above where it began): the band of
  the first hour stands in ``Generator.first_band``.
- ``start_limit`` and ``stop_limit``: highest mean load of the hour in which a generator starts, and of the one after
  which it stops.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

START = datetime(2025, 1, 1)  # noqa: DTZ001  the peers know no zones
"""First hour of every case, UTC."""


@dataclass(frozen=True)
class Grid:
    """The grid: what an imported MWh costs and an exported one earns, by hour."""

    import_limit_mw: float
    export_limit_mw: float
    price: list[float]
    export_price: list[float]


@dataclass(frozen=True)
class Fuel:
    """A fuel bought without limit."""

    name: str
    price: float
    kg_per_mwh: float
    """kg CO2e, priced at the case's carbon price."""


@dataclass(frozen=True)
class Load:
    """A demand that must be met, by hour."""

    name: str
    bus: str
    mw: list[float]


@dataclass(frozen=True)
class Solar:
    """PV; what is not used is curtailed."""

    name: str
    peak_mw: float
    factor: list[float]


@dataclass(frozen=True)
class Chp:
    """Electricity and heat from a fuel in fixed shares."""

    name: str
    fuel: str
    electric_mw: float
    electric_efficiency: float
    heat_efficiency: float
    min_load: float = 0.0
    """Share of the capacity below which it must be off; 0: it is not switched. No tool but Emberline and HiGHS by hand
    is asked such a case."""
    start_cost: float = 0.0


@dataclass(frozen=True)
class Boiler:
    """Heat from a fuel."""

    name: str
    fuel: str
    heat_mw: float
    efficiency: float


@dataclass(frozen=True)
class HeatPump:
    """Heat from electricity; heat out for electricity in, by hour."""

    name: str
    electric_mw: float
    cop: list[float]


@dataclass(frozen=True)
class Store:
    """A store; power at its terminals. At the end it must hold what it held at the start."""

    name: str
    bus: str
    capacity_mwh: float
    power_mw: float
    in_efficiency: float
    out_efficiency: float
    loss_per_h: float
    start_mwh: float

    @property
    def counted(self) -> float:
        """Share of what goes in or out evenly over an hour that counts at the hour's end, its own loss taken off."""
        if not self.loss_per_h:
            return 1.0
        return self.loss_per_h / -math.log1p(-self.loss_per_h)


@dataclass(frozen=True)
class Generator:
    """A thermal generator that is switched; fuel is linear in the load between least and full load."""

    name: str
    fuel: str
    electric_mw: float
    min_load: float
    fuel_at_least: float
    """MWh of fuel for each MWh of electricity at the least load."""
    fuel_at_full: float
    start_cost: float
    stop_cost: float
    min_up_h: int
    min_down_h: int
    ramp_per_h: float
    """Share of the capacity, up and down."""
    start_limit: float
    stop_limit: float
    on: bool
    """Before the horizon."""
    since_h: int
    load: float

    @property
    def slope(self) -> float:
        """MWh of fuel for each MWh of electricity more."""
        return (self.fuel_at_full - self.min_load * self.fuel_at_least) / (1 - self.min_load)

    @property
    def idle(self) -> float:
        """Fuel per hour of running at no load, for each MW of capacity: what the line of fuel by load has at zero."""
        return self.fuel_at_full - self.slope

    @property
    def first_band(self) -> tuple[float, float]:
        """Lowest and highest load of the first hour, if it is on then, as shares of the capacity."""
        if not self.on:
            return self.min_load, self.start_limit
        half = self.ramp_per_h / 2
        return max(self.min_load, self.load - half), min(1.0, self.load + half)

    @property
    def held_h(self) -> int:
        """Hours from the start of the horizon for which it stays on, or off, as it is."""
        return max((self.min_up_h if self.on else self.min_down_h) - self.since_h, 0)


@dataclass(frozen=True)
class Engine:
    """An engine that is not switched, with fuel by load through some points and zero; straight between them."""

    name: str
    fuel: str
    electric_mw: float
    points: list[tuple[float, float]]
    """Load as a share of the capacity, up to 1, and MWh of fuel for each MWh of electricity there."""

    @property
    def knots(self) -> list[tuple[float, float]]:
        """Electricity and fuel [MW] at zero and at each point."""
        return [(0.0, 0.0), *((self.electric_mw * load, self.electric_mw * load * per) for load, per in self.points)]


@dataclass(frozen=True)
class HubCase:
    """One case."""

    name: str
    says: str
    hours: int
    carbon_price_per_t: float
    grid: Grid
    fuels: list[Fuel]
    loads: list[Load]
    solar: list[Solar] = field(default_factory=list)
    chps: list[Chp] = field(default_factory=list)
    boilers: list[Boiler] = field(default_factory=list)
    heat_pumps: list[HeatPump] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    generators: list[Generator] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)
    gap: float = 0.0
    """Relative gap at which a solver may stop."""

    def data(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)

    @property
    def buses(self) -> list[str]:
        """Everything that is balanced: electricity, fuels, and heat where it is wanted."""
        return ["electricity", *(fuel.name for fuel in self.fuels), *(["heat"] if self.boilers or self.chps else [])]

    def fuel_cost(self, name: str) -> float:
        """Price of a fuel with the carbon price on it [EUR/MWh]."""
        fuel = next(fuel for fuel in self.fuels if fuel.name == name)
        return fuel.price + self.carbon_price_per_t * fuel.kg_per_mwh / 1000


PARTS: dict[str, Callable[..., Any]] = {
    "fuels": Fuel,
    "loads": Load,
    "solar": Solar,
    "chps": Chp,
    "boilers": Boiler,
    "heat_pumps": HeatPump,
    "stores": Store,
    "generators": Generator,
    "engines": Engine,
}


def read(data: dict[str, Any]) -> HubCase:
    """The case of plain data."""
    parts = {key: [record(**one) for one in data[key]] for key, record in PARTS.items()}
    return HubCase(**{**data, "grid": Grid(**data["grid"]), **parts})


def cases() -> list[HubCase]:
    """All of them, small ones first."""
    return [_commitment(), _part_load(), _hub("week", 168), _hub("year", 8760)]


def of_hours(hours: int) -> HubCase:
    """The linear hub over some hours; not one of ``cases``."""
    return _hub(f"hub-{hours}", hours)


def switched(name: str = "year-switched", hours: int = 8760) -> HubCase:
    """The linear hub with its CHP on, at half load or more, or off; not one of ``cases``."""
    case = _hub(name, hours)
    chps = [replace(chp, min_load=0.5, start_cost=150.0) for chp in case.chps]
    return replace(case, says=f"hub with its CHP switched, {hours:,} hours", chps=chps, gap=1e-3)


def _hub(name: str, hours: int) -> HubCase:
    """A linear hub. Prices are nowhere negative and export never earns what import costs: see ``docs/peers.md``."""
    draw = random.Random(2025)
    price, factor, power, heat, cop = [], [], [], [], []
    cloud, wave = 0.5, 0.0
    for t in range(hours):
        hour, day = t % 24, t // 24
        season = math.cos(2 * math.pi * (day - 15) / 365)  # 1 in January, −1 in July
        cloud = min(max(cloud + draw.gauss(0, 0.08), 0.1), 1.0)
        wave = 0.9 * wave + draw.gauss(0, 8)
        sun = max(math.sin(math.pi * (hour - 6 + 2 * season) / 12), 0.0) * (0.6 - 0.35 * season) * cloud
        busy = 1.0 if day % 7 < 5 and 6 <= hour < 22 else 0.25
        price.append(round(max(85 + 25 * math.cos(2 * math.pi * (hour - 19) / 12) - 70 * sun + wave, 5.0), 2))
        factor.append(round(min(sun, 1.0), 4))
        power.append(round(14 * busy + draw.uniform(-1, 1), 3))
        heat.append(round(max(9 + 7 * season + 2 * busy + draw.gauss(0, 0.8), 1.0), 3))
        cop.append(round(3.2 - 0.6 * season + 0.2 * math.sin(2 * math.pi * (hour - 9) / 24), 3))
    return HubCase(
        name=name,
        says=f"linear hub, {hours:,} hours",
        hours=hours,
        carbon_price_per_t=70.0,
        grid=Grid(18.0, 6.0, price, [round(0.8 * value - 2, 3) for value in price]),
        fuels=[Fuel("gas", 38.0, 201.0)],
        loads=[Load("works", "electricity", power), Load("heating", "heat", heat)],
        solar=[Solar("roof", 9.0, factor)],
        chps=[Chp("chp", "gas", 5.0, 0.41, 0.44)],
        boilers=[Boiler("boiler", "gas", 25.0, 0.92)],
        heat_pumps=[HeatPump("pump", 3.0, cop)],
        stores=[
            Store("battery", "electricity", 8.0, 4.0, 0.95, 0.94, 0.0005, 4.0),
            Store("tank", "heat", 40.0, 10.0, 0.98, 0.98, 0.006, 16.0),
        ],
    )


def _commitment() -> HubCase:
    """Three generators, two days, a dear grid."""
    draw = random.Random(3)
    hours = 48
    load = []
    for t in range(hours):
        day, third = math.sin(2 * math.pi * (t - 8) / 24), math.sin(2 * math.pi * (t - 5) / 8)
        load.append(round(88 + 36 * day + 14 * third + draw.uniform(-18, 18), 2))
    return HubCase(
        name="commitment",
        says=f"three generators switched, {hours} hours",
        hours=hours,
        carbon_price_per_t=70.0,
        grid=Grid(60.0, 0.0, [240.0] * hours, [0.0] * hours),
        fuels=[Fuel("coal", 12.0, 340.0), Fuel("gas", 38.0, 201.0)],
        loads=[Load("town", "electricity", load)],
        generators=[
            Generator("base", "coal", 80.0, 0.4, 2.75, 2.38, 3800.0, 600.0, 8, 6, 0.20, 0.5, 0.5, True, 3, 0.6),
            Generator("middle", "gas", 50.0, 0.3, 2.3, 1.85, 500.0, 90.0, 6, 5, 0.35, 0.5, 0.45, False, 1, 0.0),
            Generator("peak", "gas", 30.0, 0.2, 3.1, 2.6, 120.0, 20.0, 4, 4, 0.5, 0.5, 0.5, False, 9, 0.0),
        ],
    )


def _part_load() -> HubCase:
    """An engine whose fuel by load bends both ways, with a battery and the grid."""
    draw = random.Random(11)
    hours = 48
    price = [round(95 + 45 * math.sin(2 * math.pi * (t - 12) / 24) + draw.uniform(-20, 20), 2) for t in range(hours)]
    load = [round(7 + 2.5 * math.sin(2 * math.pi * (t - 9) / 24) + draw.uniform(-1, 1), 3) for t in range(hours)]
    return HubCase(
        name="part-load",
        says=f"an engine with a bent curve of fuel by load, {hours} hours",
        hours=hours,
        carbon_price_per_t=70.0,
        grid=Grid(5.0, 0.0, price, [0.0] * hours),
        fuels=[Fuel("gas", 38.0, 201.0)],
        loads=[Load("works", "electricity", load)],
        stores=[Store("battery", "electricity", 6.0, 2.0, 0.95, 0.95, 0.001, 3.0)],
        engines=[Engine("engine", "gas", 8.0, [(0.3, 3.1), (0.6, 2.3), (0.85, 2.2), (1.0, 2.32)])],
    )
