"""A small plant whose twin writes logs, and the figures that it was made with."""

from __future__ import annotations

from functools import cache

import pandas as pd
import xarray as xr

from emberline import twin
from emberline.scenarios import Case, load
from emberline.studies.calibration import twin_log

BREAKDOWNS = "[{unit: EAF, mtbf_h: 10 h, mttr_min: 20}, {unit: CC, mtbf_h: 12 h, mttr_min: 15}]"
TRUE = {
    ("duration", "EAF", "rebar"): 52.0, ("duration", "EAF", "wire"): 52.0, ("duration", "LF", "rebar"): 30.0,
    ("duration", "LF", "wire"): 38.0, ("duration", "CC", "rebar"): 60.0, ("duration", "CC", "wire"): 60.0,
    ("energy", "EAF", "rebar"): 450.0, ("energy", "EAF", "wire"): 460.0, ("energy", "LF", "rebar"): 40.0,
    ("energy", "LF", "wire"): 48.0, ("energy", "CC", "rebar"): 10.0, ("energy", "CC", "wire"): 10.0,
    ("duration_spread", "EAF", ""): 0.05, ("duration_spread", "LF", ""): 0.08, ("duration_spread", "CC", ""): 0.05,
    ("energy_spread", "EAF", ""): 0.03, ("energy_spread", "LF", ""): 0.03, ("energy_spread", "CC", ""): 0.03,
    ("mtbf", "EAF", ""): 10.0, ("mttr", "EAF", ""): 20.0, ("mtbf", "CC", ""): 12.0, ("mttr", "CC", ""): 15.0,
}  # fmt: skip
"""By kind, unit and grade."""


@cache
def plant() -> Case:
    """Furnace, ladle furnace, caster; the ladle furnace scatters more than the others."""
    part = "disturbances.units=[{unit: LF, duration: 8 %}]"
    return load("melt-shop-small", [f"disturbances.breakdowns={BREAKDOWNS}", part])


@cache
def wrong() -> Case:
    """The same plant with figures that are not true: what is known before the log is read."""
    return load(
        "melt-shop-small",
        [
            "line.grades.rebar.duration_min={melting: 45, ladle: 35, casting: 60}",
            "line.grades.wire.energy_kwh_per_t={melting: 400, ladle: 60, casting: 12}",
            "disturbances.duration_spread=2 %",
            "disturbances.energy_spread=1 %",
            "disturbances.breakdowns=[]",
        ],
    )


@cache
def listed() -> xr.Dataset:
    """The baseline schedule."""
    return twin.dispatch(plant())


def log(seed: int = 1, days: int = 25) -> pd.DataFrame:
    """A log of nine heats a day."""
    return twin_log(plant(), listed(), range(days), seed=seed)
