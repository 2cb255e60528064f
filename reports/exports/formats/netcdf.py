"""netCDF: the datasets of a run as groups of one file, each variable with its unit, the manifest as global attributes.

Times are naive UTC; the attribute ``time_zone`` names the plant's zone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emberline.planning.accounts.ledger import ledger
from emberline.reports.exports.manifest import flat
from emberline.runs.store import netcdf
from emberline.runs.store.run_folder import StoredRun

if TYPE_CHECKING:
    import xarray as xr

GROUPS = ("inputs", "envelope", "baseline", "schedule", "replay", "replays", "ledger_by_step", "ledger_by_heat")
"""``baseline`` is the baseline run, ``replay`` the undisturbed plan, ``replays`` the disturbed ones."""


def groups(run: StoredRun) -> dict[str, xr.Dataset]:
    """The datasets by the name of their group; those that the run has not are left out."""
    plan = run.plan
    assert plan.replay is not None
    book = ledger(plan.scenario, plan.replay)
    datasets: dict[str, xr.Dataset | None] = {
        "inputs": plan.scenario.inputs,
        "envelope": plan.envelope,
        "baseline": plan.baseline,
        "schedule": plan.schedule,
        "replay": plan.replay,
        "replays": plan.replays.data if plan.replays is not None else None,
        "ledger_by_step": _kilograms(book.by_step),
        "ledger_by_heat": _kilograms(book.by_heat) if plan.scenario.heats else None,
    }
    return {name: data for name in GROUPS if (data := datasets[name]) is not None}


def write(run: StoredRun, path: Path) -> None:
    """Write all groups."""
    import xarray as xr

    says = {
        "title": run.plan.scenario.title or run.plan.scenario.name,
        "source": "Emberline",
        **flat(run),
        "times": "coordinates time and meter: UTC; variables in min: minutes after the horizon's start",
    }
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=says), **groups(run)})
    netcdf.write(tree, path)


def _kilograms(data: xr.Dataset) -> xr.Dataset:
    """The dataset with a unit at each variable."""
    units = {name: "t" if name == "mass_t" else "kg CO2e" for name in data.data_vars}
    return data.assign({name: data[name].assign_attrs(units=unit) for name, unit in units.items()})
