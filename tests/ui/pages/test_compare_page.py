"""The page Compare: plans side by side, what differs first, and what may not be compared."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from emberline.planning import Plan
from emberline.planning.answer.figure_table import of_summary
from emberline.planning.plan import replan
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.charts import comparison
from emberline.reports.text import naming
from emberline.reports.text.language import spoken
from emberline.reports.text.numbers import stamp
from emberline.runs.store import run_folder
from emberline.runs.store.store import Store
from emberline.scenarios import load
from emberline.studies.difference import difference
from emberline.ui.pages import compare as compared
from emberline.ui.pages.session import session, stored_runs


def script() -> None:
    """The page alone, as the router draws it."""
    from emberline.ui.pages import compare
    from emberline.ui.pages.session import session

    session.begin()
    compare.page()


@pytest.fixture(scope="module")
def cheap() -> Plan:
    """The small melt shop planned for least cost, with another due time."""
    changes = [
        "goal.minimize=cost",
        "goal.gap=0.05",
        "goal.effort=20",
        "disturbances.replications=2",
        "orders.C1.due=16 h",
    ]
    return make_plan(load("melt-shop-small", changes), PLAIN)


@pytest.fixture
def runs(stored_home: tuple[Path, str], home: Path, cheap: Plan) -> list[str]:
    """A plan for least carbon and one for least cost, in a home of the test's own."""
    shutil.copytree(stored_home[0], home)
    return [stored_home[1], stored(cheap)]


def stored(result: Plan) -> str:
    store = Store()
    with store.working(result.scenario) as run:
        store.save(run, result)
    return run


@pytest.fixture
def app(home: Path) -> AppTest:
    """The page in a session of its own."""
    return AppTest.from_function(script, default_timeout=60)


def page_text(app: AppTest) -> str:
    kinds = ("text", "markdown", "caption", "subheader", "metric", "info", "warning")
    return "\n".join(f"{getattr(i, 'label', '')} {getattr(i, 'value', '')}" for kind in kinds for i in app.get(kind))


def test_an_empty_page_says_what_to_do(app: AppTest) -> None:
    """Proves: without runs the page says what to choose."""
    app.run()
    assert not app.exception
    assert "Choose two to five plans" in page_text(app)


def test_the_plan_in_view_stands_next_to_the_last_other_of_its_plant(app: AppTest, runs: list[str]) -> None:
    """Proves: a page without address compares the plan in view with the newest other one of the same scenario; what is
    taken away stays away.
    """
    app.query_params["run"] = runs[0]
    app.run()
    assert app.multiselect[0].value == runs
    app.multiselect[0].set_value(runs[:1]).run()
    assert app.multiselect[0].value == runs[:1]
    assert "Choose two to five plans" in page_text(app)


def test_two_plans_from_the_address(app: AppTest, runs: list[str]) -> None:
    """Proves: first digits in the address are enough; each plan has its status, gap and bound; figures that differ
    stand with value and signed difference, largest share first; the keys that differ have both values."""
    app.query_params["runs"] = ",".join(run[:10] for run in runs)
    app.run()
    assert not app.exception
    text = page_text(app)
    names = [stored_runs.of_run(run) for run in runs]
    assert len(set(names)) == len(names)
    lines = [str(item.value) for item in app.text]
    for name in names:
        assert name in lines
    assert text.count("gap ") >= 2
    assert text.count("bound ") >= 2
    assert "they can be compared" in text
    figures = app.dataframe[0].value
    assert list(figures.columns) == ["figure", "A", "B", "B − A"]
    by_name = figures.set_index("figure")
    rows = [Store().open(run).plan for run in runs]
    sums = [one.replay_figures for one in rows]
    assert sums[0] is not None
    assert sums[1] is not None
    more = (sums[1].carbon_kg - sums[0].carbon_kg) / 1000
    assert more > 0
    assert by_name.loc["carbon [t CO2e]", "B − A"] == f"+{more:.2f}"
    keys = app.dataframe[2].value.set_index("key")
    assert [keys.loc["goal.minimize", letter] for letter in "AB"] == ["carbon", "cost"]
    assert "orders.C1.due" in keys.index
    assert app.session_state["compared"] == runs


def test_rows_are_sorted_by_what_differs_most(runs: list[str]) -> None:
    """Proves: shares of the totals fall from row to row, and so do those of the savings, which come after them; a
    difference is the other less the first."""
    table = {letter: Store().open(run).plan for letter, run in zip("AB", runs, strict=True)}
    rows = compared.figures(table)
    savings = [row for row in rows if " saved" in row.label]
    assert savings
    assert rows[-len(savings) :] == savings
    for part in (rows[: -len(savings)], savings):
        shares = [row.relative for row in part]
        assert shares == sorted(shares, reverse=True)
    (steel,) = [row for row in rows if row.label == "production"]
    assert steel.same
    assert steel.more == {"B": 0}
    (cost,) = [row for row in rows if row.label == "cost"]
    assert cost.more["B"] == pytest.approx(cost.values["B"] - cost.values["A"])  # type: ignore[operator]
    assert cost.shares["B"] == pytest.approx(cost.more["B"] / cost.values["A"])  # type: ignore[operator]


def test_what_may_not_be_compared_is_reported(runs: list[str], cheap: Plan) -> None:
    """Proves: another horizon, scenario, signal or amount is reported with the plan's letter. Sensitivity: of the same
    scenario nothing is reported."""
    one = Store().open(runs[0]).plan
    assert list(compared.incomparable({"A": one, "B": cheap})) == []
    renamed = cheap.scenario.model_copy(update={"name": "elsewhere"})
    assert cheap.replay_figures is not None
    less = dataclasses.replace(cheap.replay_figures, tonnes=cheap.replay_figures.tonnes - 100)
    other = dataclasses.replace(cheap, scenario=renamed, replay_figures=less)
    lines = list(compared.incomparable({"A": one, "B": cheap, "C": other}))
    assert len(lines) == 2
    assert all(line.startswith("C ") for line in lines)
    assert "another scenario" in lines[0]
    assert "making less is not saving" in lines[1]
    later = load("melt-shop-small", ["horizon.start=2026-06-17"])
    moved = dataclasses.replace(cheap, scenario=later)
    assert any("another horizon" in line for line in compared.incomparable({"A": one, "B": moved}))


def test_heats_that_moved_are_drawn_and_listed(app: AppTest, runs: list[str]) -> None:
    """Proves: the page tells how many heats moved, the table has each operation with both starts and its minutes."""
    app.query_params["runs"] = ",".join(runs)
    app.run()
    result = difference(*(Store().open(run).plan for run in runs))
    assert result.heats
    assert f"{len(result.heats)} of 9 heats are elsewhere in B." in page_text(app)
    (table,) = [frame.value for frame in app.dataframe if "moved [min]" in frame.value]
    moves = [move for heat in result.heats for move in heat.stages]
    assert table["moved [min]"].tolist() == [move.later_min for move in moves]
    stage = result.heats[0].stage
    scenario = Store().open(runs[0]).plan.scenario
    value = comparison.moves(result.heats, stage, scenario, ("A", "B")).to_dict()
    rows = next(data for data in value["datasets"].values() if data and "later" in data[0])
    assert len(rows) == sum(move.stage == stage for move in moves)
    assert all(row["to"] - row["start"] == row["later"] for row in rows)
    assert "local time, Europe/Berlin" in json.dumps(value)


def test_names_are_never_markdown(app: AppTest, runs: list[str], cheap: Plan) -> None:
    """Proves: a title is shown letter by letter; no picture is fetched, no page is linked."""
    evil = "![x](http://x.invalid/y) <b>bold</b>"
    scenario = cheap.scenario.model_copy(update={"title": evil})
    other = stored(dataclasses.replace(cheap, scenario=scenario))
    app.query_params["runs"] = f"{runs[0]},{other}"
    app.run()
    assert not app.exception
    assert any(evil in item.value for item in app.text)
    for kind in ("markdown", "caption", "subheader", "html"):
        assert not any("x.invalid" in str(getattr(item, "value", "")) for item in app.get(kind))


@pytest.mark.parametrize("named", ["ffff0000", "![x](http://x.invalid/y),../../etc"])
def test_an_address_that_names_no_run(app: AppTest, runs: list[str], named: str) -> None:
    """Proves: a wrong address gives a sentence, not an error, and the field still works."""
    app.query_params["runs"] = named
    app.run()
    assert not app.exception
    assert app.warning
    assert "x.invalid" not in page_text(app)
    assert "Choose two to five plans" in page_text(app)
    app.multiselect[0].set_value(runs).run()
    assert not app.exception
    assert "they can be compared" in page_text(app)


def test_different_baselines_are_reported(app: AppTest, runs: list[str]) -> None:
    """Proves: where the baselines differ, the page says that each saving is against its own, and why where there are
    locks; savings come after the totals. Of the same baseline nothing is said. Sensitivity: a saving that only the
    other baseline makes, first of all; locks that nobody has set."""
    one = Store().open(runs[0]).plan
    again = Store().open(runs[0]).plan
    for stored_plan in (one, again):
        assert len(stored_plan.scenario.horizon.times)  # whoever has asked for them leaves them with the horizon
    assert list(compared.baseline_differences({"A": one, "B": again})) == []
    sums = dataclasses.replace(one.baseline_figures, carbon_kg=one.baseline_figures.carbon_kg + 7900)
    other = dataclasses.replace(one, baseline_figures=sums)
    (line,) = compared.baseline_differences({"A": one, "B": other})
    ours, theirs = (f"{kg / 1000:.1f}" for kg in (one.baseline_figures.carbon_kg, sums.carbon_kg))
    assert line == (
        f"The baselines of A and B differ (carbon {ours} instead of {theirs} t CO2e): each saving is against its own "
        "baseline, so compare the totals, not the savings."
    )
    assert one.schedule is not None
    lock = replan.lock(one.scenario, one.schedule, "C1-2", "melting")
    locked = one.scenario.model_copy(update={"locks": (lock,)})
    (line_of_locks,) = compared.baseline_differences({"A": dataclasses.replace(one, scenario=locked), "B": other})
    assert ", as locks bind them too: each saving is against its own baseline" in line_of_locks
    rows = [row.label for row in compared.figures({"A": one, "B": other})]
    savings = [label for label in rows if " saved" in label]
    assert rows[-len(savings) :] == savings
    assert all(label.endswith(", each compared with its own baseline") for label in savings)
    assert "cost saved, undisturbed" in {row.label for row in compared.figures({"A": one, "B": again})}
    app.query_params["runs"] = f"{runs[0]},{stored(other)}"
    app.run()
    assert not app.exception
    assert f"✕ {line}" in page_text(app)


def test_a_bar_that_ends_early_has_a_mark(app: AppTest) -> None:
    """Proves: a bar that is cut has a mark next to its number, others have none. Sensitivity: 340 % as 25 %."""
    rows = [("peak", {"B": 3.4}), ("cost", {"B": -0.02}), ("carbon", {"B": -0.3})]
    assert comparison.clipped(rows)
    assert not comparison.clipped(rows[1:2])
    result = comparison.shares(rows, ["A", "B"]).to_dict()
    (text,) = [data for data in result["datasets"].values() if data and "says" in data[0]]
    assert [row["says"] for row in text] == ["» +340.0 %", "−2.0 %", "−30.0 % «"]


def test_locks_are_described_in_words(app: AppTest, runs: list[str], cheap: Plan) -> None:
    """Proves: locks that differ stand as heat, stage and time. Sensitivity: what JSON makes of them, as PT15H."""
    one = Store().open(runs[0]).plan
    assert one.schedule is not None
    lock = replan.lock(one.scenario, one.schedule, "C1-2", "melting")
    start = one.scenario.horizon.instant(float(one.schedule["start_min"].sel(heat="C1-2", stage="melting")))
    scenario = one.scenario.model_copy(update={"locks": (lock,)})
    app.query_params["runs"] = f"{runs[0]},{stored(dataclasses.replace(one, scenario=scenario))}"
    app.run()
    assert not app.exception
    (keys,) = [frame.value.set_index("key") for frame in app.dataframe if "key" in frame.value]
    message = keys.loc[[key for key in keys.index if str(key).startswith("locks")]]
    assert len(message)
    text = " ".join(map(str, message["B"]))
    assert "C1-2 melting" in text
    assert f"{start:%H:%M}" in text
    assert "PT" not in text
    assert "{" not in text


def test_plans_that_are_chosen_have_different_labels(app: AppTest, runs: list[str]) -> None:
    """Proves: what is chosen is called by letter, name, goal and time, however long the name is; what is offered by
    more; plans with equal labels also have their ids. Sensitivity: a chip that is cut before its time."""
    store = Store()
    folder = store.path(runs[0])
    store.catalogue.label(runs[0], name="a trial of the night shift in the week of " + "9" * 30, add=[], remove=[],
                          keep=lambda *parts: run_folder.label(folder, *parts))  # fmt: skip
    app.query_params["runs"] = runs[0]
    app.run()
    assert not app.exception
    assert not app.sidebar.multiselect
    one, other = app.multiselect[0].options
    assert one.startswith("A · a trial of the night shift")
    created = [stamp(session.here(store.entry(run).created)) for run in runs]
    assert one.endswith(f"… · least carbon · {created[0]}")
    assert len(one) < 75
    assert re.search(r"EUR (saved|more) as printed · holds on \d+ % as printed · ", other)
    assert other.endswith(f" · {created[1]}")
    entries = [store.entry(run) for run in runs]
    alike = [dataclasses.replace(entries[0], id=run) for run in ("1" * 32, "0" * 32)]
    labels = stored_runs.labels([*alike, entries[1]])
    assert len(set(labels.values())) == 3
    assert all(labels[entry.id].endswith(f" · {entry.id[:8]}") for entry in alike)
    assert labels[runs[1]] == other
    app.multiselect[0].set_value(runs).run()
    assert not app.exception
    assert app.multiselect[0].options[1].startswith("B · Small melt shop, 1 day, 9 heats")


def test_titles_follow_the_language(runs: list[str]) -> None:
    """Proves: a title that was read in one language is not shown in another."""
    with spoken("zh"):
        assert "天" in stored_runs.of_run(runs[0])
    assert "1 day" in stored_runs.of_run(runs[0])


def test_plans_of_an_edited_scenario_are_told_apart(
    runs: list[str], cheap: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: plans of a scenario that is not bundled are labelled by what was changed since its first plan, a single
    value with its key, and by how often they hold; what is saved is of the goal's figure, below 0 it is more of it.
    Sensitivity: labels that differ in their time alone, and "−0.7 t CO2e saved"."""
    mine = changed_scenario(cheap, name="my-shop", title="My shop")
    goal = mine.scenario.goal.model_copy(update={"gap": 0.1})
    entries = [Store().entry(stored(one)) for one in (mine, changed_scenario(mine, goal=goal))]
    first, second = stored_runs.labels(entries).values()
    assert first.startswith("My shop, 1 day, 9 heats · least cost · ")
    assert second.startswith("My shop, 1 day, 9 heats · gap 10 % · least cost · ")
    assert cheap.successes is not None
    successes, n = cheap.successes
    assert f" · holds on {int(100 * successes / n)} % as printed · " in first
    figure = {"basis": "undisturbed", "label": "", "demand_charge": "", "text": ""}
    dear = {"name": "cost", "unit": "EUR", "value": -700.0, **figure}
    dirty = {"name": "average", "unit": "t CO2e", "value": -0.7, **figure}
    for minimize, row, amount in (("cost", dear, "700 EUR"), ("carbon", dirty, "0.70 t CO2e")):
        monkeypatch.setattr(Store, "figures", lambda *_, row=row: of_summary({"figures": {"one": row}}))
        label = stored_runs.label(dataclasses.replace(entries[0], goal=minimize))
        assert f" · {amount} more undisturbed · " in label
    silos = [{"stores": [{"name": "cement", "level_t": level, "end_level_t": 500.0}]} for level in (500.0, 900.0)]
    assert naming.changes(*silos) == ["cement level 900 t"]
    silos[1]["stores"][0]["end_level_t"] = 700.0
    assert naming.changes(*silos) == ["own levels of stores"]


def changed_scenario(result: Plan, **update: object) -> Plan:
    """A plan with another scenario, its series as they are."""
    scenario = result.scenario.model_copy(update=update)
    return dataclasses.replace(result, scenario=scenario)


def test_plans_of_other_heats_stand_next_to_each_other(app: AppTest, runs: list[str]) -> None:
    """Proves: a plan of other heats has its cards, figures, keys and charts, and in place of moves a sentence.
    Sensitivity: a heat of one plan that is looked up in the other ends the page in its middle."""
    names = [f"orders.C{i}.name=X{i}" for i in (3, 2, 1)]
    other = stored(make_plan(load("melt-shop-small", [*names, "goal.gap=1", "disturbances.replications=0"]), PLAIN))
    app.query_params["runs"] = f"{runs[0]},{other}"
    app.run()
    assert not app.exception
    assert "Different heats: moves cannot be listed." in page_text(app)
    assert "heats are elsewhere" not in page_text(app)
    assert app.dataframe
