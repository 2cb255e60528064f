"""The rules of heat lines are templates, and give the same matrix as one expression for each index."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from same_arrays import upright

from emberline import twin
from emberline.models.formulations.line.by_unit.model import Corridor, Matched
from emberline.models.formulations.line.named.model import Named
from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel.arrays import Rows
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.templates import building
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.aggregation import averaged, leading_stage
from emberline.models.problem.line import SlotProblem, Windows, down
from emberline.models.problem.site import SiteData
from emberline.scenarios import load

SHORT = ["horizon.step_min=30"]
WHOLE = [*SHORT, "site.grid.metered_interval_min=30"]
CASES = {
    "a day": ("melt-shop-day", WHOLE),
    "two cells in a slot": ("melt-shop-day", SHORT),
    "power that may not all be drawn at once": ("melt-shop-day", [*WHOLE, "site.grid.import_limit_mw=60"]),
    "a battery": ("melt-shop-small", SHORT),
}


def line(name: str, overrides: list[str]) -> tuple[SlotProblem, SiteData]:
    """A bundled line on slots, and its site."""
    scenario = load(name, overrides)
    envelope = twin.envelope(scenario)
    return line_reader.from_scenario(scenario, envelope), sites.read(scenario, envelope)


def underway(problem: SlotProblem) -> SlotProblem:
    """The first cast has begun: one heat is gone, one at its last stage before the caster, the others come later."""
    cast, heats = problem.casts[0], list(problem.heats)
    gone, here, *coming = cast.heats
    heats[gone] = replace(heats[gone], operations=(), least=(), most=(), reheat=None)
    heat, unit = heats[here], heats[here].operations[-1].units[0]
    operation = replace(heat.operations[-1], units=(unit,), started_min=-10.0, first=-1, last=-1)
    heats[here] = replace(
        heat, operations=(operation,), least=(heat.least[-1][:1, :1] - 60,), most=(heat.most[-1][:1, :1] + 50,),
        quickest=heat.quickest[-1:], kind=("begun",), reheat=None,
    )  # fmt: skip
    for h in coming:
        least, most = heats[h].least, heats[h].most
        heats[h] = replace(
            heats[h], least=(*least[:-1], least[-1][:, :1] - 60), most=(*most[:-1], most[-1][:, :1] + 40)
        )
    since = {cast.units[0]: down(-20.0, problem.step_min)}
    casts = (replace(cast, units=cast.units[:1], started_min=-20.0, first=since, last=since), *problem.casts[1:])
    return replace(problem, heats=tuple(heats), casts=casts)


def shut(problem: SlotProblem) -> SlotProblem:
    """Every unit is out for a while, some to odd minutes, or held by others; and units draw something when idle."""
    free = problem.free.copy()
    free[:, 10:12] = False
    outages: dict[int, tuple[tuple[float, float], ...]]
    outages = {u: ((307.0 + u, 333.0), (600.0, 790.0 + 7 * u)) for u in range(len(problem.units))}
    return replace(problem, free=free, outages=outages, states={0: SimpleNamespace(most_mw=2.0)})  # type: ignore[dict-item]


def near(problem: SlotProblem, data: SiteData) -> Windows:
    """Windows of some slots for each operation, and of some more for each cast."""
    pools = Pooled(problem, data, bounding=False)
    operation = {
        (h, i): (first, min(first + 9, window.last[i]))
        for h, window in pools.windows.items()
        for i, first in enumerate(window.first)
    }
    cast = {
        c: [(problem.casts[c].units[column], t) for column, t in places[:6]]
        for c, places in pools.casting.places.items()
    }
    return Windows(operation, cast)


def _cost(ports: Ports, model: pyo.ConcreteModel) -> Any:
    return ports.worth("cost_with_carbon_price")


def assert_same(make: Any) -> None:
    """A model by templates and by index, compared."""
    forms = []
    for on in (True, False):
        with building(on=on):
            result = make()
            assert result.possible
            result.model.goal = pyo.Objective(rule=partial(_cost, result.ports))
        listed = result.model.component_objects(pyo.Constraint, descend_into=True)
        slow = {one.name for one in listed if isinstance(one, Rows) and len(one) and one.template is None}
        assert not (on and slow)
        forms.append((compiled(result.model), result))
    assert [v.name for v in forms[0][0].columns] == [v.name for v in forms[1][0].columns]
    for one, other in zip(*(upright(form) for form, _ in forms), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("case", "change"),
    [*((case, lambda p: p) for case in CASES), ("two cells in a slot", underway), ("two cells in a slot", shut)],
)
def test_lines(case: str, change: Any) -> None:
    """Proves: counts, for a bound, a plan and on average, and named heats are templates that say what the rules say.

    Sensitivity: a stretch of slots that begins one too early; a rule that asks for its index.
    """
    problem, data = line(*CASES[case])
    problem = change(problem)
    lead = leading_stage(problem)
    assert_same(lambda: Pooled(problem, data, bounding=True))
    assert_same(lambda: Pooled(problem, data, bounding=False))
    assert_same(lambda: Pooled(averaged(problem, lead, 0.5), data, bounding=False, whole_total=True))
    windows = near(problem, data)
    assert_same(lambda: Named(problem, data, windows))
    assert_same(lambda: Named(problem, data, windows, loose=problem.stage_units[0]))


@pytest.mark.parametrize("case", ["a day", "two cells in a slot", "power that may not all be drawn at once"])
def test_counts_by_unit(case: str) -> None:
    """Proves: the same of counts by unit, each by itself or together, free or near a plan. Sensitivity: as above."""
    problem, data = line(*CASES[case])
    problem = replace(problem, reheat_kwh_per_t_min=0.0)
    pools = Pooled(problem, data, bounding=False)
    first = tuple(tuple(pools.windows[h].first) for h in range(len(problem.heats)))
    corridor = Corridor(first, tuple(pools.casting.places[c][0][1] for c in range(len(problem.casts))), 5)
    # without a limit the third case is the first
    for limited in (data, replace(data, import_limit_mw=None))[: 1 if CASES[case][1][len(WHOLE) :] else 2]:
        assert_same(partial(Matched, problem, limited))
        assert_same(partial(Matched, problem, limited, units="shortest"))
        assert_same(partial(Matched, problem, limited, corridor=corridor))
