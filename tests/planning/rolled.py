"""A small works with an engine, stores and a battery, on prices and intensities from files with forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emberline.scenarios import Case, load

TARIFF = """
  tariff:
    energy: [{name: block energy, rates: [{per_mwh: 9}, {per_mwh: 4, above_mwh: 150}]}]
    demand:
      - {name: month, rates: [{per_mw: 3000}], minimum_mw: 2, ratchet: {share: 80 %, look_back_months: 2}}
      - {name: day, rates: [{per_mw: 90}], assessed: daily}
    fixed: [{name: meter, per_month: 700}]
    taxes: [{name: tax, share: 10 %}]
"""
WORKS = """
name: small-works
horizon: {{start: {start}, zone: Europe/Berlin, length_h: {hours}, step_min: {step}}}
site:
  grid: {{import_limit_mw: 30, export_limit_mw: 5, metered_interval_min: 15}}
  base_load_mw: 6
  pv: {{peak_mw: 4, capacity_factor: {{table: pv_typical, column: capacity_factor}}}}
  battery: {{energy_mwh: 8, power_mw: 3, self_loss_per_h: 0.001}}
  carriers: [{{name: gas}}, {{name: heat}}]
  assets:
    - {{kind: supply, name: gas grid, carrier: gas, price_per_unit: 30, factor: natural_gas, horizon_limit: {gas}}}
    - {{kind: load, name: users, carrier: heat, rate: 3}}
    - {{kind: storage, name: heat store, carrier: heat, capacity: 12, in_rate: 4, out_rate: 4, self_loss_per_h: 0.002}}
    - kind: gas_engine
      name: engine
      electric_mw: 4
      fuel: gas
      heat: heat
      electric_efficiency: 40 %
      heat_efficiency: 42 %
      min_load: 50 %
      min_up_h: 4
      min_down_h: 3
      start_cost: 60
      ramp_up_per_h: 0.5
      ramp_down_per_h: 0.5
    - {{kind: boiler, name: boiler, fuel: gas, heat: heat, heat_mw: 8, efficiency: 92 %}}
    - {{kind: converter, name: cooler, carrier: heat, main: input, capacity: 10}}
market:
  price_per_mwh: {{csv: real.csv, column: price, forecast: {{csv: forecasts.csv, column: price}}}}
  carbon_intensity_kg_per_mwh: {{csv: real.csv, column: kg, forecast: {{csv: forecasts.csv, column: kg}}}}
  carbon_price: {{per_t: 60, covers: all}}
{tariff}
goal: {{minimize: {goal}, gap: {gap}, effort: 60, caps: {{extra_cost_share: null}}}}
"""


def works(
    folder: Path,
    *,
    start: str = "2026-03-02",
    hours: float = 48,
    step: float = 60,
    goal: str = "cost_with_carbon_price",
    tariff: str = "",
    gas: float = 5000,
    error: float = 0.25,
    gap: float = 0.02,
    changes: tuple[str, ...] = (),
) -> Case:
    """The works, its series drawn at random by hour; a forecast is issued every 12 h for 96 h, wrong by ``error``."""
    first = np.datetime64(start) - np.timedelta64(10, "D")
    n = 24 * 10 + int(hours) + 100
    generator = np.random.Generator(np.random.Philox(key=7))
    wave = 1 + 0.5 * np.sin(np.arange(n) / 24 * 2 * np.pi)
    real = {"price": 60 * wave + 25 * generator.standard_normal(n), "kg": 300 * wave * generator.uniform(0.7, 1.3, n)}
    rows = [f"{_time(first, i)},{real['price'][i]:.6f},{real['kg'][i]:.6f}\n" for i in range(n)]
    (folder / "real.csv").write_text("time_utc,price,kg\n" + "".join(rows), encoding="utf-8")
    items = []
    for issue in range(0, n - 96, 12):
        for lead in range(96):
            i = issue + lead
            off = 1 + error * generator.uniform(-1, 1, 2) * min(lead / 24, 1)
            prices = f"{real['price'][i] * off[0]:.6f},{real['kg'][i] * off[1]:.6f}"
            items.append(f"{_time(first, issue)},{_time(first, i)},{prices}\n")
    (folder / "forecasts.csv").write_text("issued_utc,time_utc,price,kg\n" + "".join(items), encoding="utf-8")
    text = WORKS.format(start=start, hours=hours, step=step, goal=goal, tariff=tariff, gas=gas, gap=gap)
    (folder / "works.yaml").write_text(text, encoding="utf-8")
    return load(folder / "works.yaml", changes)


def _time(first: np.datetime64, hour: int) -> str:
    return f"{(first + np.timedelta64(hour, 'h')).astype('datetime64[m]')}Z"
