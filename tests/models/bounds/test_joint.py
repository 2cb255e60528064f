"""The bound with the site in the linear program of casts, against every schedule with the site's exact best use."""

from __future__ import annotations

import numpy as np
import pytest
from sited_shops import best_plan, features, joint_bound, random_shop

QUICK = [0, 2, 3, 4, 5, 7, 8, 10, 14]
"""Shops of few schedules; ``python -m benchmarks joint`` has a hundred."""
TOLERANCE = 1e-6


@pytest.mark.parametrize("seed", QUICK)
def test_no_prices_prove_more_than_the_best_schedule(seed: int) -> None:
    """Proves: neither the prices that are looked for nor any others prove more than the best plan is worth.

    Sensitivity: what the line gives with another sign, a cell's load left out of a column's price, the export limit or
    the demand charge missing in the site's program, a unit that counts in full while it draws in part."""
    built = random_shop(seed)
    best = best_plan(built)
    assert best is not None
    top = best + TOLERANCE * max(abs(best), 1.0)
    proof, bound = joint_bound(built)
    assert proof.bound is not None
    assert proof.bound <= top
    rng = np.random.Generator(np.random.Philox(key=seed))
    units, load, gives, counted = bound.prices
    for scale in (1.0, 30.0, 300.0):
        priced = bound.site.line >= 0
        others = np.where(priced, load + scale * rng.normal(size=load.shape), 0.0)
        more = gives + scale * rng.normal(size=gives.shape)
        value = bound.proven(scale * rng.random(units.shape), others, more, counted + scale * rng.random(counted.shape))
        assert value <= top


def test_the_shops_have_every_feature() -> None:
    """Proves: each kind of site is in at least five of the hundred shops of the bench, and they mix."""
    count = dict.fromkeys(features(random_shop(0)), 0)
    for seed in range(100):
        for name, has in features(random_shop(seed)).items():
            count[name] += has
    assert min(count.values()) >= 5, count
