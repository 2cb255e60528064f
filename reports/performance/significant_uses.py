"""Significant energy uses: the few that make up most of the energy (ISO 50001, 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

MOST = 0.8
"""Uses are significant, from the largest on, until they make up this share."""


def significant_uses(rows: pd.DataFrame, uses: Sequence[str]) -> pd.DataFrame:
    """Uses by size, with ``energy``, ``share``, ``cumulated`` share and whether each is ``significant``.

    Args:
        rows: energy of each use by period, in one unit.
        uses: their columns.

    Raises:
        ValueError: a use is negative or missing, or nothing is used.
    """
    part = rows[list(uses)]
    if part.isna().any(axis=None):
        raise ValueError(f"values of {part.columns[part.isna().any()][0]} are missing")
    energy = part.sum().sort_values(ascending=False, kind="stable")
    if (energy < 0).any() or not energy.sum() > 0:
        raise ValueError("energy uses must not be negative, and not all zero")
    share = energy / energy.sum()
    before = share.cumsum() - share
    table = {"energy": energy, "share": share, "cumulated": share.cumsum(), "significant": before < MOST - 1e-12}
    return pd.DataFrame({name: np.asarray(values) for name, values in table.items()}, index=energy.index)
