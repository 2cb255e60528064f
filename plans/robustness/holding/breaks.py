"""Why a plan did not hold: by the margin that answers to what was missed first, and by how much it was missed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from emberline.plans.plan.replay_outcome import LATE
from emberline.plans.robustness.ensemble import Ensemble
from emberline.plans.robustness.holding.knobs import STEPS, Knob, answering, raised

AIMED = 0.6
"""Share of the breaks that are allowed which a raise aims at: what held in these replays must hold in fresh ones."""


@dataclass(frozen=True)
class Break:
    """What was missed first in some replications, and the margin that answers to it."""

    knob: Knob
    missed: np.ndarray
    """By how much, 0 where something else was missed first, or nothing, shape (n_replications,)."""

    @property
    def share(self) -> float:
        """Share of the replications."""
        return float((self.missed > 0).mean())

    def step(self, allowed: float) -> float:
        """By how much to raise the margin so that it is too small in no more than a share of the replications."""
        least, largest = STEPS[self.knob.kind]
        if self.knob.kind in ("quantile", "rates"):
            return least
        return min(max(float(np.quantile(self.missed, 1 - allowed)), least), largest)


def breaks(ensemble: Ensemble) -> list[Break]:
    """The breaks of an ensemble that some margin answers to which can still be raised, the most frequent first."""
    data, scenario = ensemble.data, ensemble.scenario
    first, late = data["first_limit"].to_numpy(), data["late_min"].to_numpy()
    amounts: dict[Knob, np.ndarray] = {}
    for place in range(data.sizes["limit"]):
        kind, stage = (str(data[f"limit_{name}"].values[place]) for name in ("kind", "stage"))
        knob = next(
            (knob for knob in answering(scenario, kind, stage) if raised(scenario, knob, STEPS[knob.kind][0])), None
        )
        if knob is None:
            continue
        amount = late if kind in LATE else data["missed_amount"].to_numpy()[:, place]
        excess = np.where(first == place, amount, 0.0)
        amounts[knob] = np.maximum(amounts.get(knob, 0.0), excess)
    rows = [Break(knob, missed) for knob, missed in amounts.items() if (missed > 0).any()]
    return sorted(rows, key=lambda row: (-row.share, row.knob))


def steps(ensemble: Ensemble, level: float, stuck: Collection[Knob] = ()) -> list[tuple[Knob, float]]:
    """Which margins to raise and by how much, the one that answers to most breaks first; those stuck are left out."""
    rows, allowed = [row for row in breaks(ensemble) if row.knob not in stuck], AIMED * (1 - level)
    shortfall = 1 - ensemble.successes / ensemble.n - allowed
    selection: list[Break] = []
    for row in rows:
        # what must hold more often for the level, and no more: each margin costs, and takes room from others
        if not selection or sum(one.share for one in selection) < shortfall:
            selection.append(row)
    total = sum(row.share for row in selection)
    return [(row.knob, row.step(allowed * row.share / total)) for row in selection]
