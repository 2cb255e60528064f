"""Every figure of twelve plans, wherever it is by_plan, has one value and one text."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sites
from figure_sightings import BASES, PLACES, Sighting, compared_page, contradictions, in_place, pairs, sightings

from emberline.planning import Plan
from emberline.planning.answer import figure_table
from emberline.planning.answer.record import UNDISTURBED
from emberline.planning.answer.wording import fixed
from emberline.planning.planner import Steps, make_plan
from emberline.reports.charts import plan as charts
from emberline.runs.store.store import Store
from emberline.scenarios import load

ByPlan = dict[str, tuple[str, list[Sighting]]]

SMALL = "melt-shop-small"
CEMENT = Path(__file__).resolve().parents[2] / "planning" / "cement-small.yaml"
QUICK = ("goal.effort=0.5", "disturbances.replications=8")
ALONE, ROBUST = Steps(margins=False, front=False, rules=False), Steps(front=False, rules=False)
FLAT = ("market.carbon_intensity_kg_per_mwh=300", "market.marginal_carbon_intensity_kg_per_mwh=300")
LEAST_COST, AS_PRINTED, MARGINAL = "goal.minimize=cost", "goal.policy=follow", "goal.signal=marginal"


PLANS: dict[str, tuple[str | Path, tuple[str, ...], Steps]] = {
    "carbon, planned again": (SMALL, (), ALONE),
    "carbon, held": (SMALL, (), ROBUST),
    "carbon, as printed": (SMALL, (AS_PRINTED,), ALONE),
    "cost, planned again": (SMALL, (LEAST_COST,), Steps(margins=False, front=False)),
    "cost, held and as printed": (SMALL, (LEAST_COST, AS_PRINTED), ROBUST),
    "by marginal intensity": (SMALL, (MARGINAL,), ALONE),
    "undisturbed": (SMALL, ("disturbances.replications=0",), ALONE),
    "with a lock": (SMALL, ("locks=[{heat: C1-1, stage: melting, start: 9 h}]",), Steps(margins=False, front=False)),
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
        for chart in ("schedule", "levels"):  # of the report: they take most of its time, and hold no figure
            patch.setattr(charts, chart, lambda *_: "")
        yield folder


@pytest.fixture(scope="module")
def by_plan(folder: Path) -> ByPlan:
    """By plan its run and every figure of it."""
    runs = {name: stored(name) for name in PLANS}
    return {name: (run, sightings(run, folder)) for name, run in runs.items()}


def stored(name: str) -> str:
    """One of the plans, made and stored; its run."""
    scenario, changes, steps = PLANS[name]
    case = load(scenario, [*QUICK, *changes]) if scenario else sites.works("goal.effort=0.5")
    return Store().keep(make_plan(case, steps, days=20))


def test_every_figure_has_one_value(by_plan: ByPlan) -> None:
    """Proves: page, selector, lists, command line, JSON, Excel and report show each figure of each plan with the same
    value and rounding. Sensitivity: a basis that is not in the name, a digit more in one place."""
    wrong = {name: lines for name, (_, sights) in by_plan.items() if (lines := contradictions(sights))}
    assert wrong == {}
    for name, (_, sights) in by_plan.items():
        assert len(list(pairs(sights))) >= 60, name
        assert {each.place for each in sights} == set(PLACES), name
    bases = Counter(each.figure.rpartition(", ")[2] for each in by_plan["carbon, planned again"][1])
    assert min(bases[basis] for basis in BASES.values()) >= 20


def test_plans_compared_show_the_same(by_plan: ByPlan) -> None:
    """Proves: the page that compares plans shows each figure as the pages of the plans do."""
    names = ["carbon, planned again", "carbon, as printed", "cost, held and as printed"]
    compared = compared_page([by_plan[name][0] for name in names])
    for name, sights in zip(names, compared, strict=True):
        assert len(sights) >= 10
        assert contradictions([*by_plan[name][1], *sights]) == []


def in_three_digits(patch: pytest.MonkeyPatch) -> None:
    """A selector with a rounding of its own."""
    patch.setattr(figure_table.Figure, "size", property(lambda figure: fixed(abs(figure.value), 3)))


def undisturbed(patch: pytest.MonkeyPatch) -> None:
    """A list that calls the savings to be expected undisturbed."""
    figures = Store.figures
    patch.setattr(
        Store, "figures",
        lambda store, run: {
            name: dataclasses.replace(figure, basis=UNDISTURBED) for name, figure in figures(store, run).items()
        },
    )  # fmt: skip


def without_the_demand_charge(patch: pytest.MonkeyPatch) -> None:
    """A workbook whose cost leaves the charge on the peak out."""
    rows = figure_table.figure_rows

    def altered(plan: Plan) -> Iterator[figure_table.FigureRow]:
        for row in rows(plan):
            charge = plan.baseline_figures.demand_cost if row.label == "cost" else 0.0
            yield dataclasses.replace(row, baseline=row.baseline - charge) if charge and row.baseline else row

    patch.setattr(figure_table, "figure_rows", altered)


@pytest.mark.parametrize(
    ("name", "place", "plant"),
    [
        ("carbon, planned again", "selector", in_three_digits),
        ("carbon, planned again", "page of plans", undisturbed),
        ("carbon, planned again", "list of the command", undisturbed),
        ("site", "Excel", without_the_demand_charge),
    ],
)
def test_a_planted_contradiction_is_seen(
    name: str, place: str, plant: Callable[[pytest.MonkeyPatch], None], by_plan: ByPlan, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Proves: a rounding, a basis or a demand charge that one place alone has is a contradiction."""
    run, elsewhere = by_plan[name]
    plant(monkeypatch)
    lines = contradictions([*(each for each in elsewhere if each.place != place), *in_place(place, run, folder)])
    assert lines
    assert all(f"({place})" in line for line in lines)
