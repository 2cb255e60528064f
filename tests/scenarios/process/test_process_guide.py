"""The guide's example is a scenario as it stands, and its table names every key that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, loads
from emberline.scenarios.process.delivery import Delivery
from emberline.scenarios.process.recipe import Recipe
from emberline.scenarios.process.record import Process
from emberline.scenarios.process.store import Store

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "processes.md"
EXAMPLE = re.compile(r"^```yaml my-cement\.yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def text() -> str:
    result = EXAMPLE.search(GUIDE.read_text(encoding="utf-8"))
    assert result
    return result[1]


@pytest.fixture(scope="module")
def works(text: str) -> Case:
    return loads(text, "my-cement.yaml")


def test_the_example_balances(works: Case) -> None:
    """Proves: what is delivered can be ground, its clinker burned at the usual rate, and meal for that made.

    By hand: CEM I 2 days, 12 h, 130 t/h; CEM II 2 days, 12 h, 120 t/h and a train of 600 t.
    """
    assert works.tonnes == pytest.approx(3120 + 3480)
    raw, kiln, mill = works.processes
    hours = 3120 / mill.all_modes[0].rates.high + 3480 / mill.all_modes[1].rates.high
    assert 0.7 <= hours / (48 * mill.count) <= 0.85
    clinker = 0.95 * 3120 + 0.75 * 3480
    assert clinker == pytest.approx(48 * kiln.all_modes[0].rates.baseline, rel=0.02)
    assert 1.56 * clinker / (48 * raw.count * raw.all_modes[0].rates.high) <= 0.85


def test_the_example_is_planned(text: str) -> None:
    """Proves: a reader who types it gets a plan that the twin confirms; everything is delivered in both runs."""
    result = make_plan(
        loads(text, "my-cement.yaml", ["goal.gap=50 %", "goal.effort=10", "disturbances.replications=2"]),
        PLAIN,
    )
    assert result.acceptable, result.verdict
    assert result.replay_figures is not None
    assert result.replay_figures.tonnes == pytest.approx(6600)
    assert result.baseline_figures.tonnes == pytest.approx(6600)


def test_every_key_is_described(works: Case) -> None:
    """Proves: no key of process, store or delivery is missing in the guide. Sensitivity: a key added to a record."""
    text = GUIDE.read_text(encoding="utf-8")
    for record in (Recipe, Process, Store, Delivery):
        for key in record.model_fields:
            assert key in ("name", "store") or f"`{key}" in text, f"{record.__name__}.{key}"
