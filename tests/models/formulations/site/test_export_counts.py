"""Slots of a metered interval in which a site imports or exports: how many of each, before which ones."""

from __future__ import annotations

import numpy as np
from cast_shops import search
from random_shops import built, sited

from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.kernel.highs import SearchRun


def test_slots_that_can_be_exchanged_are_counted() -> None:
    """Proves: a site paid for import, with an import limit on six steps, is used best after a few nodes, and never
    imports while it exports.

    Sensitivity: a binary for each step takes thousands of nodes, as any two steps of an hour can be exchanged."""
    every = search(built(sited(139)))
    site = Dispatcher(every.data, every.aim)
    flows = site.flows(np.zeros(every.problem.n_cells), work=600.0)
    assert flows is not None
    assert site.program.outcome(SearchRun(relaxed=False, seconds=0.0)).nodes <= 300
    assert float(np.minimum(flows.imported, flows.exported).max()) < 1e-6
    assert flows.exported[every.data.price < 0].any()
