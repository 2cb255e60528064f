"""The bound with the site in the linear program of casts, against every schedule with the site's exact best use."""

from __future__ import annotations

import numpy as np
import pytest
from cast_shops import search
from sited_shops import best_plan, features, joint_bound, random_shop

from emberline.models.bounds import joint_prices
from emberline.models.search.warm_start import Study

QUICK = [0, 2, 3, 4, 5, 7, 8, 10, 14]
"""Shops of few schedules; ``python -m benchmarks joint`` has a hundred."""
TOLERANCE = 1e-6


@pytest.mark.parametrize("seed", QUICK)
def test_no_prices_prove_more_than_the_best_schedule(seed: int) -> None:
    """Proves: neither the prices that are looked for nor any others prove more than the best plan is worth.

    Sensitivity: what the line gives with another sign, a cell's load left out of a column's price, the export limit or
    the demand charge missing in the site's program."""
    built = random_shop(seed)
    best = best_plan(built)
    assert best is not None
    top = best + TOLERANCE * max(abs(best), 1.0)
    proof, bound = joint_bound(built)
    assert proof.bound is not None
    assert proof.bound <= top
    rng = np.random.Generator(np.random.Philox(key=seed))
    units, load, gives = bound.prices
    for scale in (1.0, 30.0, 300.0):
        priced = bound.site.line >= 0
        others = np.where(priced, load + scale * rng.normal(size=load.shape), 0.0)
        more = gives + scale * rng.normal(size=gives.shape)
        value = bound.proven(scale * rng.random(units.shape), others, more)
        assert value <= top


def test_a_bound_goes_on_from_the_last_one_of_the_line() -> None:
    """Proves: at the same numbers the kept prices prove at once what the last bound ended with; at other prices of
    energy and another base load kept columns and prices prove no more than the best plan is worth; another line begins
    afresh. Sensitivity: columns that are not kept, a bound that is kept itself, columns of another line."""
    built, study = random_shop(4), Study()
    first, bound = joint_bound(built, study)
    assert first.bound is not None
    again = search(built)
    again.study = study
    beginning = joint_prices.JointBound(again)
    beginning._begin()
    assert beginning.best == pytest.approx(first.bound, rel=1e-6)
    assert beginning.master.columns == bound.master.columns
    inputs = built.inputs
    moved = built.with_inputs(
        inputs.assign(
            price_per_mwh=inputs["price_per_mwh"][::-1].values + 0 * inputs["price_per_mwh"],
            base_load_mw=0.5 * inputs["base_load_mw"],
        )
    )
    best = best_plan(moved)
    proof, _ = joint_bound(moved, study)
    assert best is not None
    assert proof.bound is not None
    assert proof.bound <= best + TOLERANCE * max(abs(best), 1.0)
    assert study.columns(search(random_shop(10)).problem) is None


def test_the_shops_have_every_feature() -> None:
    """Proves: each kind of site is in at least five of the hundred shops of the bench, and they mix."""
    count = dict.fromkeys(features(random_shop(0)), 0)
    for seed in range(100):
        for name, has in features(random_shop(seed)).items():
            count[name] += has
    assert min(count.values()) >= 5, count
