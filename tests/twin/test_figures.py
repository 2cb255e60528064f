"""Figures of small random plants, as they were recorded: who changes one on purpose writes the tables again."""

from __future__ import annotations

import pytest
from figures import PLANTS, figures, recorded

SEEDS = [(table, seed) for table in ("works", "shops", "states") for seed in recorded(table)]


@pytest.mark.parametrize(("table", "seed"), SEEDS)
def test_figures_are_as_recorded(table: str, seed: int) -> None:
    """Proves: each variable of each run of a plant is what it was when ``make figures`` wrote it down. Sensitivity: any
    change of the twin's arithmetic, decisions or order of events that shows in one of a hundred plants."""
    target = recorded(table)[seed]
    for run, data in PLANTS[table][0](seed):
        assert figures(data) == pytest.approx(target[run], rel=1e-9, abs=1e-9), run
