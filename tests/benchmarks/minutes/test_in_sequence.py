"""Heats in a sequence with changeovers: few of them are proven."""

from __future__ import annotations

import functools
import random

import pytest

from benchmarks.minutes.in_sequence import FEW, least_in_sequence
from emberline.scenarios import Scenario, resolve

GRADES = {"a": 50, "b": 35, "c": 20}
START = "2026-03-10T00:00+00:00"


@pytest.mark.parametrize("seed", range(12))
def test_the_least_lateness_of_few_heats_is_proven(seed: int) -> None:
    """Proves: the lateness of up to seven heats is the least of all orders, counted here by what is already made, and
    the bound says so. Sensitivity: the bound of places, which is 0 where heats are late by changeovers alone."""
    dice = random.Random(seed)
    n = dice.randint(2, FEW)
    setup = {(a, b): dice.choice((0, 5, 15)) for a in GRADES for b in GRADES}
    heats = [(dice.choice(list(GRADES)), dice.randint(20, 40 * n)) for _ in range(n)]
    shop = resolve(
        Scenario.model_validate(
            {
                "name": "sequence",
                "horizon": {"start": START, "length_h": 12, "step_min": 15},
                "line": {
                    "stages": [{"name": "melting", "units": [{"name": "M", "power_mw": 10}]}],
                    "grades": [
                        {"name": name, "mass_t": 20, "duration_min": {"melting": length}}
                        for name, length in GRADES.items()
                    ],
                    "changeovers": [
                        {"unit": "M", "before": a, "after": b, "setup_min": minutes}
                        for (a, b), minutes in setup.items()
                    ],
                },
                "orders": [
                    {"name": f"O{i}", "heats": [{"grade": grade}], "due": f"{due} min"}
                    for i, (grade, due) in enumerate(heats)
                ],
                "market": {"price_per_mwh": 50, "carbon_intensity_kg_per_mwh": 100},
                "goal": {"minimize": "lateness"},
            }
        )
    )

    @functools.cache
    def least(before: frozenset[int], last: int, at: int) -> int:
        values = []
        for i in set(range(n)) - before:
            grade, due = heats[i]
            end = at + (setup[heats[last][0], grade] if before else 0) + GRADES[grade]
            values.append(max(end - due, 0) + least(before | {i}, i, end))
        return min(values, default=0)

    result = least_in_sequence(shop)
    assert result.objective == pytest.approx(least(frozenset(), 0, 0))
    assert result.bound == result.objective
    assert result.status == "within gap"
