"""Whether flows close: what each carrier's balance and each store's level leave unexplained, and what each asset loses.

Plain arithmetic on a dataset of table ``FLOWS``, whoever made it: a schedule, a replay, the baseline run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.asset_flows import flow


@dataclass(frozen=True)
class Closure:
    """Residuals of balances and levels, and losses."""

    carriers: dict[str, np.ndarray]
    """What each carrier's balance leaves per hour, shape (n_steps,) each; negative: missing."""
    stores: dict[str, np.ndarray]
    """By how much each store's level at a step's end differs from what its flows come to, shape (n_steps,) each."""
    machines: dict[str, np.ndarray]
    """By how much a machine's flows miss what its main flow comes to, the worst of them, shape (n_steps,) each."""
    conversion_loss: dict[str, float]
    """Energy in less energy out over the horizon of machines and stores that deal in MWh only [MWh]. What a heat pump
    takes from air, water or ground is a gain; a load's energy is used, not lost, and not listed here."""
    self_loss: dict[str, float]
    """What stores lose by themselves over the horizon, in their carrier's unit."""
    level_change: dict[str, float]
    """Level at the end less that at the start, in the carrier's unit."""

    @property
    def worst(self) -> float:
        """The largest of what is left unexplained."""
        parts = (*self.carriers.values(), *self.stores.values(), *self.machines.values())
        return max((float(np.abs(part).max(initial=0.0)) for part in parts), default=0.0)


def closure(scenario: Case, flows: xr.Dataset, line_gives: Mapping[str, np.ndarray] | None = None) -> Closure:
    """Check that flows close.

    Args:
        scenario: with its site and series.
        flows: variables of table ``FLOWS``; a scenario without assets has the balance of electricity only.
        line_gives: what the line gives of other carriers than electricity per hour, shape (n_steps,) each; None: as
            the flows say.
    """
    site, hours, n = scenario.site, scenario.horizon.step_h, scenario.horizon.n_steps
    balance = {name: np.zeros(n) for name in site.carrier}
    for name, sign in ELECTRIC.items():
        balance[ELECTRICITY] = balance[ELECTRICITY] + sign * flows[name].to_numpy()
    if line_gives is None and "line_rate" in flows:
        line_gives = dict(zip(flows["given"].values.tolist(), flows["line_rate"].to_numpy(), strict=True))
    for name, rate in (line_gives or {}).items():
        balance[name] = balance[name] + rate
    lost: dict[str, float] = {}
    if "asset_rate" in flows:
        for carrier, rate in zip(flows["flow_carrier"].values.tolist(), flows["asset_rate"].to_numpy(), strict=True):
            balance[carrier] = balance[carrier] + rate
        for carrier, rate in zip(flows["carrier"].values.tolist(), flows["dumped_rate"].to_numpy(), strict=True):
            balance[carrier] = balance[carrier] - rate
    levels, self_loss, change = {}, {}, {}
    for name, store in site.stores.items():
        put_in, put_out = -flow(flows, name, "in"), flow(flows, name, "out")
        after = flows["asset_level"].sel(store=name).to_numpy()
        before = np.concatenate([[store.start_level], after[:-1]])
        net = put_in * store.in_efficiency - put_out / store.out_efficiency
        levels[name] = after - (before * store.retention(hours) + net * store.effective_hours(hours))
        change[name] = float(after[-1] - before[0])
        self_loss[name] = float(net.sum()) * hours - change[name]
        if site.carrier[store.carrier].unit == "MWh":
            lost[name] = float((put_in - put_out).sum()) * hours - change[name] - self_loss[name]
    machines = {}
    for name, core in site.cores.items():
        machines[name] = _machine(scenario, flows, name, core)
        makes = core.main == "output" or bool(core.outputs)
        if makes and all(site.carrier[carrier].unit == "MWh" for carrier in core.flows.values()):
            lost[name] = -sum(float(flow(flows, name, key).sum()) for key in core.flows) * hours
    return Closure(balance, levels, machines, lost, self_loss, change)


ELECTRIC = {
    "import_mw": 1.0, "discharge_mw": 1.0,
    "export_mw": -1.0, "line_mw": -1.0, "charge_mw": -1.0,
}  # fmt: skip
"""Parts of electricity's balance that no asset has, and whether they give or take."""


def _machine(scenario: Case, flows: xr.Dataset, name: str, core: Converter) -> np.ndarray:
    """The largest difference between a machine's flows and what they should be by its main one."""
    if not core.capacity:
        return np.zeros(scenario.horizon.n_steps)
    load = np.abs(flow(flows, name, "main")) / core.capacity
    on = flows["asset_on"].sel(machine=name).to_numpy()
    starts = np.maximum(np.diff(on, prepend=float(core.on_at_start())), 0.0)
    due = core.delivered(load, starts, scenario.horizon.step_h, scenario.asset_series(name))
    apart = [np.abs(flow(flows, name, key) - rate) for key, rate in due.items()]
    return np.asarray(np.max(apart, axis=0))
