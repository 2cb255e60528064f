"""Every figure of twelve plans, wherever it is shown, has one value and one text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sites
from shown_figures import Sighting, contradictions, pairs, seen, sightings

from emberline.planning.answer import figure_table
from emberline.planning.planner import Steps, make_plan
from emberline.reports.exports.formats import excel
from emberline.runs.store.store import Store
from emberline.scenarios import Case, load
from emberline.scenarios.messages import Message
from emberline.ui.pages.session import stored_runs

SMALL = "melt-shop-small"
CEMENT = Path(__file__).resolve().parents[1] / "planning" / "cement-small.yaml"
QUICK = ("goal.effort=2", "disturbances.replications=8")
ALONE, HELD = Steps(margins=False, front=False, rules=False), Steps(front=False, rules=False)
FLAT = ("market.carbon_intensity_kg_per_mwh=300", "market.marginal_carbon_intensity_kg_per_mwh=300")
LEAST_COST, AS_PRINTED, MARGINAL = "goal.minimize=cost", "goal.policy=follow", "goal.signal=marginal"


def _site() -> Case:
    return sites.works("goal.effort=2")


PLANS: dict[str, tuple[Case | str | Path, tuple[str, ...], Steps]] = {
    "carbon, planned again": (SMALL, (), ALONE),
    "carbon, held": (SMALL, (), HELD),
    "carbon, as printed": (SMALL, (AS_PRINTED,), ALONE),
    "cost, planned again": (SMALL, (LEAST_COST,), Steps(margins=False, front=False)),
    "cost, held and as printed": (SMALL, (LEAST_COST, AS_PRINTED), HELD),
    "by marginal intensity": (SMALL, (MARGINAL,), ALONE),
    "undisturbed": (SMALL, ("disturbances.replications=0",), ALONE),
    "with a lock": (SMALL, ("locks=[{heat: C1-1, stage: melting, start: 9 h}]",), ALONE),
    "nothing saved": (SMALL, FLAT, ALONE),
    "cement works": (CEMENT, (), ALONE),
    "potline with a demand charge": ("aluminium-potline", (), ALONE),
    "site": ("", (), ALONE),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for the plans, and next to it their files."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERLINE_HOME", str(folder / "home"))
        yield folder


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict[str, tuple[str, list[Sighting]]]:
    """By plan its run and every figure of it."""
    runs = {name: stored(name) for name in PLANS}
    return {name: (run, sightings(run, folder)) for name, run in runs.items()}


def stored(name: str) -> str:
    """One of the plans, made and stored; its run."""
    scenario, changes, steps = PLANS[name]
    case = _site() if not scenario else load(scenario, [*QUICK, *changes])
    return Store().keep(make_plan(case, steps, days=20))


def test_every_figure_has_one_value(shown: dict[str, tuple[str, list[Sighting]]]) -> None:
    """Proves: page, selector, lists, command line, JSON, Excel and report show each figure of each plan with the same
    value and rounding. Sensitivity: a basis that is not in the name, a digit more in one place."""
    said = {name: contradictions(seen) for name, (_, seen) in shown.items()}
    assert {name: lines for name, lines in said.items() if lines} == {}
    assert min(len(list(pairs(seen))) for _, seen in shown.values()) >= 60
    bases = {each.figure.rpartition(", ")[2] for _, seen in shown.values() for each in seen}
    assert {"planned again", "as printed", "undisturbed"} <= bases
