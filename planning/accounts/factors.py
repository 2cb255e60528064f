"""Metrics that are counted by factors: what assets and processes add to each, as a ledger, by step and in all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.planning.accounts.emissions import treated
from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import accounts, label
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.metrics import FACTORS

__all__ = ["entries"]


@dataclass(frozen=True)
class Entry:
    """One row of a metric's ledger: activity times factor is the amount."""

    source: str
    """Asset, or process and mode."""
    activity: float
    unit: str
    factor: float
    by_step: np.ndarray
    """Shape (n_steps,)."""

    @property
    def amount(self) -> float:
        """Sum over the horizon."""
        return float(self.by_step.sum())


def entries(scenario: Scenario, run: xr.Dataset, name: str) -> Iterator[Entry]:
    """The ledger of a metric.

    Args:
        scenario: with its factors.
        run: a dataset of table ``RUN`` or ``SCHEDULE``.
        name: a metric of ``FACTORS``.
    """
    row = FACTORS[name]
    assets = {asset.name: asset for asset in scenario.site.assets}
    cores = {record.name: record for record in scenario.site.equipment}
    for account in accounts(scenario, run):
        if name in account.factors:
            asset, by_step = assets[account.asset], account.factors[name]
            factor, place = (
                getattr(asset, row.per_unit),
                label(asset.name, cores[asset.name].counted),
            )
            carrier = scenario.site.carrier[str(run["flow_carrier"].sel(flow=place).item())]
            yield Entry(asset.name, float(by_step.sum()) / factor, carrier.unit, factor, by_step)
    for unit, process in scenario.process_units:
        for source, mode, tonnes in treated(scenario, unit, process, run):
            factor = getattr(mode, row.per_t)
            if factor:
                yield Entry(f"{unit}: {source}", float(tonnes.sum()), "t", factor, factor * tonnes)


def by_step(scenario: Scenario, run: xr.Dataset, name: str) -> np.ndarray:
    """What a metric of ``FACTORS`` comes to in each step, shape (n_steps,)."""
    return np.sum([np.zeros(scenario.horizon.n_steps), *(e.by_step for e in entries(scenario, run, name))], axis=0)


def totals(scenario: Scenario, run: xr.Dataset) -> dict[str, float]:
    """Sums by the field of the figures that holds them, of the metrics that the scenario uses."""
    used = [name for name in in_use(scenario) if name in FACTORS]
    return {FACTORS[name].figure: float(by_step(scenario, run, name).sum()) for name in used}
