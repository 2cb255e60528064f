"""Every study makes its plans with the one pipeline; for an unchanged scenario they are the plan itself."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from shops import cast, melt_shop, scenario

from emberline import planning
from emberline.planning import Plan
from emberline.planning.accounts.figures import Figures
from emberline.planning.engine.engine import Engine
from emberline.planning.robustness.holding.hold import hold
from emberline.runs.store.store import Store
from emberline.scenarios import Case
from emberline.studies.headroom import headroom
from emberline.studies.levers.study import levers
from emberline.studies.pareto.point import front_plan
from emberline.studies.pareto.search import pareto
from emberline.studies.rolling import How, compare
from emberline.studies.sweep import Axis, Variant, sweep
from emberline.studies.why.resolver import Resolver

HOUSE = Path(planning.__file__).parents[1]


def shop() -> Case:
    """Two heats whose best time is one alone, so that every search that is proven ends with the same figures."""
    prices = {"values": [90, 80, 20, 20, 90, 90, 40, 40], "start": "2026-03-10T00:00+00:00", "interval_min": 60}
    return scenario(
        melt_shop(heat_loss=None),
        [cast("A", 2)],
        market={"price_per_mwh": prices, "carbon_intensity_kg_per_mwh": 400},
        horizon={"length_h": 8},
        goal={"minimize": "cost_with_carbon_price", "gap": 0, "effort": 30, "caps": {"extra_cost_share": None}},
        disturbances={"duration_spread": 0.02, "replications": 2},
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The plan that all studies must come to."""
    return planning.make_plan(shop(), planning.PLAIN)


def _pareto(plan: Plan, folder: Path) -> Figures | None:
    front = pareto(plan.scenario, 2)
    return front_plan(front, max(front.schedules)).replay_figures


def _sweep(plan: Plan, folder: Path) -> Figures | None:
    store = Store(folder)
    table = sweep([Axis("name", ("shop",))], [Variant({}, plan.scenario)], Engine(), store)
    return store.open(table.rows[0].run or "").plan.replay_figures


def _why(plan: Plan, folder: Path) -> Figures | None:
    answer = Resolver.of(plan, 30, None, None).ask("as it is", "as it is", plan.scenario)
    assert answer.schedule is not None
    return planning.follow(plan.scenario, answer.schedule).replay_figures


def _roll(plan: Plan, folder: Path) -> Figures | None:
    whole = plan.scenario.horizon.length_min
    study = compare(plan.scenario, How(every_min=whole, look_ahead_min=whole))
    assert study.rolled.figures.cost == pytest.approx(study.perfect.replay_figures.cost, rel=1e-9)  # type: ignore[union-attr]
    return study.rolled.figures


STUDIES: dict[str, Callable[[Plan, Path], Figures | None]] = {
    "levers": lambda plan, folder: levers(plan.scenario).joint.figures,
    "Pareto": _pareto,
    "sweep": _sweep,
    "why": _why,
    "rolling": _roll,
    "hold": lambda plan, folder: hold(plan.scenario, Engine(), level=0.01, replications=2).plain.replay_figures,
    "made again": lambda plan, folder: planning.make_plan(plan.scenario, before=plan).replay_figures,
}


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_of_the_unchanged_scenario_gives_the_plan(study: str, plan: Plan, tmp_path: Path) -> None:
    """Proves: where a study changes nothing its plan has the figures of the plan. Sensitivity: a study that left out
    the base load, or did not credit export, would differ."""
    figures = STUDIES[study](plan, tmp_path)
    assert figures is not None
    assert plan.replay_figures is not None
    for name in ("carbon_kg", "cost", "energy_mwh", "import_mwh", "peak_mw", "tonnes"):
        assert getattr(figures, name) == pytest.approx(getattr(plan.replay_figures, name), rel=1e-9), name


def test_headroom_at_full_load_gives_the_plan(plan: Plan) -> None:
    """Proves: at 100 % of the orders the saving is the plan's. Sensitivity: another baseline."""
    (load,) = headroom(plan.scenario, Engine(), [1.0]).loads
    assert load.saved is not None
    assert {name: saving.undisturbed for name, saving in load.saved.items()} == pytest.approx(
        {name: plan.saved()[name] for name in load.saved}, rel=1e-9
    )


def test_a_plan_comes_about_in_one_place() -> None:
    """Proves: only the planner and the trials of its own steps search a schedule, whatever the room; baselines are made
    in one place.

    Sensitivity: a study, a job or a page that calls ``draft``, ``models.optimize`` or ``twin.envelope``. Warm solvers
    of a Pareto front are prepared without a plan."""
    allowed = {
        "draft": {"planning/planner.py", "planning/answer/choices.py", "planning/robustness/holding/hold.py"},
        "models.optimize": {"planning/plan/pipeline.py", "studies/pareto/point.py"},
        "twin.envelope": {
            "planning/plan/baseline.py", "planning/robustness/holding/sampled.py", "studies/why/of_hour.py",
            "studies/why/of_unit.py", "emberline/api.py", "ui/pages/session/run_or_baseline.py",
        },
    }  # fmt: skip
    places: dict[str, set[str]] = {name: set() for name in allowed}
    for room in ("planning", "studies", "runs", "reports", "live", "ui", "emberline"):
        for path in (HOUSE / room).rglob("*.py"):
            names = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and str(node.module).endswith("planning.plan.pipeline"):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.Attribute):
                    names.add(ast.unparse(node))
            for name in names & set(places):
                places[name].add(str(path.relative_to(HOUSE)))
    for name, files in allowed.items():
        assert places[name] <= files, (name, places[name] - files)
