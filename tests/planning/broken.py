"""Scenarios that have a plan, each broken in one known way, for the tests of why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emberline.scenarios import Case, load, loads

SHOP = "melt-shop-small"
WORKS = str(Path(__file__).resolve().parent / "cement-small.yaml")
SITE = """
name: boiler-house
horizon: {start: 2026-01-12, zone: Europe/Berlin, days: 1, step_min: 60}
site:
  grid: {import_limit_mw: 20 MW, metered_interval_min: 60}
  base_load_mw: 6 MW
  battery: {energy_mwh: 10 MWh, power_mw: 2 MW, level_share: 50 %}
  carriers: [{name: gas}, {name: steam}]
  assets:
    - kind: supply
      name: gas grid
      carrier: gas
      price_per_unit: 30 EUR/MWh
      fossil_kg_per_unit: 201
      horizon_limit: 400 MWh
    - {kind: boiler, name: boiler, fuel: gas, heat: steam, heat_mw: 15 MW, efficiency: 90 %}
    - {kind: storage, name: accumulator, carrier: steam, capacity: 20 MWh, in_rate: 5, out_rate: 5, level_share: 20 %}
    - {kind: load, name: dryer, carrier: steam, rate: 11 MW}
market:
  currency: EUR
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
goal: {minimize: cost, gap: 1 %, effort: 10}
"""
KILN = """
name: kiln-house
horizon: {start: 2026-03-09, zone: UTC, days: 1, step_min: 60}
site: {grid: {import_limit_mw: 30 MW, metered_interval_min: 60}, base_load_mw: 1 MW}
stores:
  - {name: meal, capacity_t: 3000 t, level_t: 2500 t, end_level_t: 0 t}
  - {name: clinker, capacity_t: 2000 t, level_t: 800 t}
processes:
  - name: kiln
    rate: {low: 80 t/h, high: 100 t/h}
    kwh_per_t: 30
    must_run: true
    inputs: [{store: meal, per_t: 1}]
    outputs: [{store: clinker}]
  - name: crusher
    rate: 200 t/h
    power_mw: 1.5 MW
    min_run_h: 3 h
    min_rest_h: 1 h
    outputs: [{store: meal}]
deliveries:
  - {name: trucks, store: clinker, rate: 60 t/h}
market: {price_per_mwh: 80, carbon_intensity_kg_per_mwh: 400}
disturbances: {replications: 0}
goal: {minimize: cost, gap: 2 %, effort: 10}
"""


@dataclass(frozen=True)
class Broken:
    """A scenario, what breaks it, and the key of the limit that was tightened."""

    says: str
    base: str
    breaks: tuple[str, ...]
    key: str

    def changed(self, more: Sequence[str] = ()) -> Case:
        """The broken scenario with more overrides."""
        if "\n" in self.base:
            return loads(self.base, overrides=[*self.breaks, *more])
        return load(self.base, [*self.breaks, *more])

    @property
    def whole(self) -> Case:
        """The scenario before it was broken."""
        return loads(self.base) if "\n" in self.base else load(self.base)


SLOW_FURNACE = (
    "orders=[{name: C1, heats: [{grade: rebar, count: 3}]}]",
    "line.grades.rebar.duration_min.melting=105",
    "line.stages.melting.transfer_min=15",
    "line.stages.ladle.transfer_min=15",
)
"""One cast, and times of whole steps: on finer ones, which would be tried first, there is nothing to gain."""
CASTER_OUT = 'state.outages=[{"unit": "CC", "start": "0 h", "end": "13 h"}]'
CRUSHER_OUT = 'state.outages=[{"unit": "crusher", "start": "2 h", "end": "23 h"}]'
LINE = [
    Broken("due time before the heats can be made", SHOP, ("orders.C1.due=4 h",), "orders.C1.due"),
    Broken("outage while a cast must run", SHOP, (CASTER_OUT,), "state.outages.0.end"),
    Broken(
        "import limit below what a heat draws", SHOP, ("site.grid.import_limit_mw=50",), "site.grid.import_limit_mw"
    ),
    Broken(
        "wait shorter than the queue before the caster",
        SHOP,
        (*SLOW_FURNACE, "line.stages.ladle.longest_wait_min=15", "line.stages.melting.longest_wait_min=30"),
        "line.stages.ladle.longest_wait_min",
    ),
    Broken(
        "horizon too short for the orders",
        SHOP,
        ("horizon.days=null", "horizon.length_h=11", "orders.C1.due=null"),
        "horizon.length_h",
    ),
    Broken(
        "caster too slow",
        SHOP,
        ("line.grades.rebar.duration_min.casting=150", "line.grades.wire.duration_min.casting=160"),
        "line.grades.rebar.duration_min.casting",
    ),
    Broken("carbon cap below what heats emit", SHOP, ("goal.caps.carbon_kg=60000",), "goal.caps.carbon_kg"),
    Broken(
        "lock before the heat is molten",
        SHOP,
        ('locks=[{"heat": "C1-2", "stage": "casting", "start": "1 h"}]',),
        "locks.0",
    ),
]
OF_SITE = [
    Broken("more steam than the boiler makes", SITE, ("site.assets.dryer.rate=18",), "site.assets.dryer.rate"),
    Broken("boiler too small", SITE, ("site.assets.boiler.heat_mw=8",), "site.assets.boiler.heat_mw"),
    Broken("carbon cap below the least", SITE, ("goal.caps.carbon_kg=30000",), "goal.caps.carbon_kg"),
    Broken("cost cap below the least", SITE, ("goal.caps.cost=4000",), "goal.caps.cost"),
    Broken(
        "battery cannot be so full at the end",
        SITE,
        ("site.battery.end_level_share=100 %", "site.battery.power_mw=0.1"),
        "site.battery.end_level_share",
    ),
    Broken(
        "store cannot be so full at the end",
        SITE,
        ("site.assets.accumulator.end_level_share=90 %", "site.assets.accumulator.in_rate=0.2"),
        "site.assets.accumulator.end_level_share",
    ),
    Broken("too little gas", SITE, ("site.assets.gas grid.horizon_limit=200",), "site.assets.gas grid.horizon_limit"),
    Broken("import limit below the base load", SITE, ("site.grid.import_limit_mw=5",), "site.grid.import_limit_mw"),
]
OF_PROCESSES = [
    Broken(
        "delivery larger than stock and production",
        KILN,
        ('deliveries=[{"name": "ship", "store": "clinker", "amount_t": 3500}]', "stores.clinker.end_level_t=0"),
        "deliveries.ship.amount_t",
    ),
    Broken(
        "daily energy out of reach",
        KILN,
        ("processes.kiln.daily_energy_mwh=100",),
        "processes.kiln.daily_energy_mwh",
    ),
    Broken("no room for what must run", KILN, ("stores.clinker.capacity_t=900",), "stores.clinker.capacity_t"),
    Broken(
        "outage longer than what is in store lasts",
        KILN,
        (CRUSHER_OUT, "stores.meal.level_t=1400", "processes.crusher.min_run_h=1 h"),
        "state.outages.0.end",
    ),
    Broken(
        "least run longer than there is room",
        KILN,
        (
            "processes.crusher.min_run_h=14 h",
            "stores.meal.capacity_t=1100",
            "stores.meal.level_t=1000",
            "stores.meal.end_level_t=500",
        ),
        "processes.crusher.min_run_h",
    ),
    Broken(
        "planned stop that does not fit",
        KILN,
        (
            'processes.kiln.planned_stop={"hours": 14, "latest": "2 h"}',
            "deliveries.trucks.rate=80",
            "stores.clinker.level_t=600",
            "stores.clinker.end_level_t=0",
        ),
        "processes.kiln.planned_stop.hours",
    ),
    Broken("end level beyond production", KILN, ("stores.clinker.end_level_t=1900",), "stores.clinker.end_level_t"),
]
EVERY = [*LINE, *OF_SITE, *OF_PROCESSES]
