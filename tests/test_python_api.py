"""The Python API: its page runs as it stands, changes leave no stale series, results carry units."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_works import random_works, scenario

import emberline as em

PAGE = Path(__file__).resolve().parent.parent / "docs" / "python.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
EARLIER = (PAGE.parents[1] / "tests" / "recorded" / "earlier_names.txt").read_text(encoding="utf-8").splitlines()
QUICK = {"goal.effort": 30, "goal.gap": 0.2, "disturbances.replications": 0}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans to a wide gap, without disturbed days."""
    load = em.load
    monkeypatch.setattr(em, "load", lambda source: load(source, QUICK))


@pytest.mark.usefixtures("_quick")
def test_the_page_runs_as_it_stands(tmp_path: Path) -> None:
    """Proves: a newcomer may copy the page's first example. Sensitivity: a renamed function fails here."""
    example = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    exec(compile(example, str(PAGE), "exec"), {})  # the page is the program under test
    assert (tmp_path / "plan.html").stat().st_size > 10_000


def test_a_plant_is_built_swept_and_drawn(tmp_path: Path) -> None:
    """Proves: the page's script of a plant built in Python plans ten carbon prices, and the dearer carbon is, the less
    is emitted. Sensitivity: prices that a change loses, nouns that no door exports."""
    script, names = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1], dict[str, Any]()
    exec(compile(script, str(PAGE), "exec"), names)  # the page is the program under test
    table = names["table"]
    assert len(table) == 10
    assert table["carbon_kg"].is_monotonic_decreasing
    assert table["carbon_kg"].iloc[-1] < 0.9 * table["carbon_kg"].iloc[0]
    assert (table["status"] == "within gap").all()
    assert "EAF" in (tmp_path / "gantt.html").read_text(encoding="utf-8")
    result = table["result"].iloc[0]
    assert result.ledger["kg"].sum() >= table["carbon_kg"].iloc[0]
    assert result.bill["amount"].sum() == pytest.approx(table["cost"].iloc[0])
    assert str(result.to_frame("steps").index.tz) == "Europe/Berlin"
    assert result.replays is None
    built = em.Scenario(name="my-shop", horizon=names["day"], goal=names["goal"], **names["parts"])
    assert em.optimize(built).objective == pytest.approx(result.objective)
    assert result.power().to_dict()["vconcat"]
    assert result.sankey().to_dict()["layer"]


def test_the_model_of_pyomo_is_solved_and_extended() -> None:
    """Proves: solved by another code the model has the optimum that the search has or encloses, for heats and for small
    works; a row that is added binds. Sensitivity: a balance, a rule of the line or a metric that is left out."""
    import pyomo.environ as pyo

    heats = [{"name": "A", "heats": [{"grade": "rebar", "count": 2}]}]
    line = {"horizon.days": None, "horizon.length_h": 6, "orders": heats, "goal.gap": 0.02, "goal.hold": "off"}
    line |= {"goal.caps.extra_cost_share": None, "goal.caps.other_signal": "off"}
    cases = [em.load("melt-shop-small", line), *(scenario(random_works(seed)) for seed in range(12))]
    solver, compared = pyo.SolverFactory("appsi_highs"), 0
    for case in cases:
        schedule = em.optimize(case).plan.schedule
        if schedule is None or schedule.attrs["status"] != "within gap":
            continue
        model = em.model(case)
        solver.solve(model)
        best, compared = pyo.value(model.goal) - schedule.attrs["constant"], compared + 1
        slack = 1e-6 * max(abs(best), 1.0)
        assert schedule.attrs["bound"] - slack <= best <= schedule.attrs["objective"] + slack
    assert compared >= 9
    model = em.model(cases[0])
    model.later = pyo.Constraint(expr=model.x[0, 0, 0, 0] == 0)
    solver.solve(model)
    assert [t for (h, i, _, t), start in model.x.items() if (h, i) == (0, 0) and pyo.value(start) > 0.5] >= [1]


def test_progress_is_shown_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: phases and bound of the search are lines of standard error, and standard output has nothing."""
    case = em.load("melt-shop-small", {"goal.effort": 2, "goal.hold": "off", "goal.policy": "follow"})
    plan = em.plan(case, progress=True)
    output = capsys.readouterr()
    assert "search for the best schedule" in output.err
    assert "bound" in output.err
    assert not output.out
    assert plan.acceptable


def test_nouns_that_do_not_fit_together_are_refused_at_their_place() -> None:
    """Proves: what is built in Python is checked as a file is: a quantity where the noun is built, what refers to
    nothing with its place. Sensitivity: a scenario that is resolved unchecked."""
    small = em.load("melt-shop-small")
    orders = [em.Order(name="C1", heats=[em.HeatEntry(grade="wires")])]
    parts = {name: getattr(small, name) for name in ("horizon", "line", "market")}
    with pytest.raises(em.ScenarioError, match=r"orders\.0\.heats\.0\.grade: unknown grade 'wires'"):
        em.load(em.Scenario(name="other", orders=orders, **parts))
    with pytest.raises(ValueError, match="wrong unit 't'"):
        em.Unit(name="EAF", power_mw="40 t")


def outputs(cells: list[str], names: dict[str, Any]) -> list[str]:
    """What a notebook shows: each cell is run in the names of those before; the value of its last line, as text."""
    texts = []
    for cell in cells:
        *statements, last = ast.parse(cell).body
        value = last.value if isinstance(last, ast.Expr) else None
        exec(compile(ast.Module([*statements, *([] if value else [last])], []), str(NOTEBOOK), "exec"), names)
        texts.append(repr(eval(compile(ast.Expression(value), str(NOTEBOOK), "eval"), names)) if value else "")
    return texts


@pytest.mark.usefixtures("_quick")
def test_the_notebook_runs_and_shows_short_results() -> None:
    """Proves: every cell runs after those before it, and a plan is shown in a few lines with its figures and savings.

    Sensitivity: the record's own representation shows pages of datasets.
    """
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    texts = outputs(cells, {})
    (carbon, cost) = (text for text in texts if text.startswith("melt-shop-small: "))
    for text in (carbon, cost):
        assert len(text.splitlines()) <= 5
        assert re.search(r"gap \d|no gap proven", text)
        assert re.search(r"carbon .*t CO2e, .* than the baseline", text)
        assert re.search(r"cost .*EUR, .* than the baseline", text)
    assert "'MW'" in texts


def test_a_result_without_a_plan_says_why() -> None:
    """Proves: where there is no plan the result shows the reason in two lines. Sensitivity: its figures are None."""
    text = repr(em.plan(em.load("melt-shop-small", {**QUICK, "orders.C1.due": "1 h"})))
    assert len(text.splitlines()) == 2
    assert "No plan:" in text


def test_a_change_reads_the_series_again() -> None:
    """Proves: base load 12 MW set is 12 MW planned. Sensitivity: a copy that keeps its inputs has the old 6 MW."""
    scenario = em.load("melt-shop-day", QUICK)
    changed = em.change(scenario, site__base_load_mw="12 MW")
    assert (changed.inputs["base_load_mw"] == 12).all()
    assert (scenario.inputs["base_load_mw"] != 12).any()


def test_a_change_keeps_series_that_were_replaced() -> None:
    """Proves: series given in Python stay under changes of other keys, once or twice; a series that is changed is the
    new one. Sensitivity: all series read again, so that the plan is that of other prices."""
    scenario = em.load("melt-shop-small", QUICK)
    price = scenario.inputs["price_per_mwh"]
    turned = scenario.with_inputs(scenario.inputs.assign(price_per_mwh=price[::-1].drop_vars("time")))
    for case in (turned, turned.model_copy(update={"goal": turned.goal})):
        changed = em.change(em.change(case, {"goal.gap": "2 %"}), {"site.base_load_mw": "12 MW"})
        assert changed.inputs["price_per_mwh"].values.tolist() == price.values[::-1].tolist()
        assert (changed.inputs["base_load_mw"] == 12).all()
    assert (em.change(turned, {"market.price_per_mwh": 30}).inputs["price_per_mwh"] == 30).all()


def test_a_case_knows_where_its_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a case loaded by a relative path reads the files next to it also from another folder.

    Sensitivity: there a file of the same name would be read."""
    text = (em.scenarios.loading.loading.find("melt-shop-small")).read_text(encoding="utf-8")
    for name, value in (("here", 10), ("there", 500)):
        (tmp_path / name).mkdir()
        rows = (f"2026-06-{14 + hour // 24}T{hour % 24:02d}:00Z,{value}\n" for hour in range(96))
        (tmp_path / name / "price.csv").write_text("time_utc,price\n" + "".join(rows), encoding="utf-8")
    (tmp_path / "here" / "shop.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    case = em.load("shop.yaml", {"market.price_per_mwh": {"csv": "price.csv", "column": "price"}})
    monkeypatch.chdir(tmp_path / "there")
    assert (em.change(case, {"goal.gap": "2 %"}).inputs["price_per_mwh"] == 10).all()


def test_a_series_of_pandas_is_brought_onto_the_steps() -> None:
    """Proves: hourly prices hold in all four quarters of their hour, in the scenario's unit."""
    scenario = em.load("melt-shop-small", QUICK)
    index = pd.date_range(scenario.horizon.start_utc, periods=24, freq="h")
    changed = em.change(scenario, {"market.price_per_mwh": pd.Series(np.arange(24.0), index=index)})
    assert changed.inputs["price_per_mwh"].to_numpy().tolist() == np.repeat(np.arange(24.0), 4).tolist()


@pytest.mark.parametrize(
    ("series", "text"),
    [
        (pd.Series([1.0, 2.0]), "time index with a zone"),
        (
            pd.Series([1.0, 2.0, 3.0], index=pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-04"], utc=True)),
            "even",
        ),
    ],
)
def test_a_series_without_clear_times_is_refused(series: pd.Series, text: str) -> None:
    """Proves: no series is guessed. Sensitivity: taking values by position would pass both."""
    with pytest.raises(ValueError, match=text):
        em.load("melt-shop-small", {"market.price_per_mwh": series})


def test_a_mistake_names_key_and_value() -> None:
    """Proves: a wrong change is one line at its key."""
    with pytest.raises(em.ScenarioError, match=r"goal\.minimize") as refusal:
        em.load("melt-shop-small", goal__minimize="speed")
    assert len(refusal.value.problems) == 1


def test_a_plan_is_stored_and_opened_again() -> None:
    """Proves: the same figures come back, and a stored run's scenario can be changed without its files."""
    result = em.plan(em.load("melt-shop-small", QUICK)).save("first")
    again = em.open_run(result.run[:8])
    assert again.saved == result.saved
    assert again.schedule is not None
    assert again.schedule["import_mw"].attrs["units"] == "MW"
    dearer = em.change(again.scenario, market__carbon_price__per_t="200 EUR/t")
    assert dearer.market.carbon_price.per_t == 200
    np.testing.assert_allclose(dearer.inputs["price_per_mwh"], again.scenario.inputs["price_per_mwh"])


def test_a_dict_is_a_scenario() -> None:
    """Proves: the content of a file as a dict, factors by name included, is the same scenario."""
    from emberline.scenarios.loading.loading import find
    from emberline.scenarios.reading import document

    content = document.read(find("melt-shop-small")).data
    assert em.load(content) == em.load("melt-shop-small")


@pytest.mark.parametrize("line", EARLIER, ids=lambda line: line.partition(":")[0])
def test_names_of_the_release_before_work_with_a_warning(line: str) -> None:
    """Proves: each name that a door of the release before had is found under its old module, and the warning names
    where it is. Sensitivity: a module that is moved without a row in the table; a name that is another's."""
    module, _, names = line.partition(": ")
    for name in names.split():
        with pytest.warns(DeprecationWarning, match=rf"{module}\.{name} is emberline\.\w+.* now") as caught:
            value = getattr(import_module(module), name)
        place = str(caught[0].message).split()[2]
        new, _, last = place.rpartition(".")
        assert value is (getattr(import_module(new), last, None) or import_module(place))


@pytest.mark.parametrize("name", ["plan.plan", "exports.Speaker", "nothing"])
def test_a_name_that_is_gone_is_refused_in_one_line(name: str) -> None:
    """Proves: the line names who makes plans now. Sensitivity: a module of that name that cannot be called."""
    module, _, last = f"emberline.plans.{name}".rpartition(".")
    with pytest.raises(ImportError, match=r"^emberline\.plans\..* is gone: .*make_plan.*$"):
        getattr(import_module(module), last)
