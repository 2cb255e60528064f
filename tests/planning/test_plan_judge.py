"""The judge of plans: a plan that keeps every rule passes, and each rule that is broken is seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from plan_judge import Row, faults, from_file
from planned import full_plan
from shops import cast, melt_shop, scenario
from watched_plans import broken

from emberline.reports.exports.formats import programs
from emberline.runs.store.store import Store
from emberline.scenarios import Case
from emberline.scenarios.records.orders import Lock
from emberline.twin import dispatch, replay

LATE = (Lock(heat="A-1", stage="casting", latest=timedelta(0)),)
FLOWS = ("line_mw", "import_mw", "export_mw", "charge_mw", "discharge_mw", "meter_mw")
COLUMNS = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")


def rows_of(run: Any) -> list[Row]:
    """The operations of a run."""
    return [Row(*row) for row in zip(*(run[f"op_{name}"].values.tolist() for name in COLUMNS), strict=True)]


def two_casts(**remaining: Any) -> Case:
    """Two casts of two heats on two furnaces and two casters."""
    line = melt_shop()
    line["stages"][0]["units"].append({"name": "F2", "power_mw": 40.0})
    line["stages"][2]["units"].append({"name": "C2", "power_mw": 1.0, "setup_min": 30})
    return scenario(line, [cast("A", 2), cast("B", 2)], **remaining)


def moved(row: Row, by: float) -> Row:
    """An operation at another time."""
    return dataclasses.replace(row, start=row.start + by, end=row.end + by)


def test_the_exported_files_of_a_plan_pass(tmp_path: Any) -> None:
    """Proves: what is read back from CSV and JSON keeps every rule, with the flows of its steps."""
    plan = full_plan()
    store = Store(tmp_path)
    with store.working(plan.scenario) as run:
        store.save(run, plan)
    for name, write in (("heats.csv", programs.write_csv), ("plan.json", programs.write_json)):
        write(store.open(run), tmp_path / name)
        rows = from_file(plan.scenario, tmp_path / name)
        assert len(rows) == 9
        assert plan.replay is not None
        flows = {name: plan.replay[name].to_numpy() for name in ("line_mw", "import_mw")}
        assert faults(plan.scenario, rows, flows) == []


def first(heat: str, stage: str) -> Callable[[Row], bool]:
    """Whether it is that operation."""
    return lambda row: (row.heat, row.stage) == (heat, stage)


BROKEN: dict[str, tuple[Callable[[Row], bool], Callable[[Row], Row | None], str]] = {
    "left out": (first("A-2", "ladle"), lambda row: None, "not once through"),
    "elsewhere": (first("A-1", "melting"), lambda row: dataclasses.replace(row, unit="L"), "is no unit of melting"),
    "too short": (first("A-1", "ladle"), lambda row: dataclasses.replace(row, end=row.end - 5), "instead of 30"),
    "too early": (first("A-1", "ladle"), lambda row: moved(row, -15), "there at"),
    "too late": (first("A-2", "melting"), lambda row: moved(row, -75), "waits"),
    "two at once": (first("B-1", "melting"), lambda row: dataclasses.replace(row, unit="F2"), "taken until"),
    "gap in a cast": (first("A-2", "casting"), lambda row: moved(row, 2), "min after A-1, of the same cast"),
    "off the grid": (first("A-1", "melting"), lambda row: moved(row, -2), "between steps"),
    "before the start": (first("A-1", "melting"), lambda row: moved(row, -600), "before its release"),
    "energy": (first("A-1", "melting"), lambda row: dataclasses.replace(row, mwh=row.mwh + 1), "draws"),
    "split cast": (first("A-2", "casting"), lambda row: dataclasses.replace(row, unit="C2"), "cast A is on"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_seen(what: str) -> None:
    """Proves: the judge sees each rule by itself. Sensitivity: the unbroken table passes."""
    built = two_casts()
    rows = rows_of(replay(built, dispatch(built)))
    assert faults(built, rows) == []
    which, change, text = BROKEN[what]
    assert sum(which(row) for row in rows) == 1
    result = faults(built, [new for row in rows if (new := change(row) if which(row) else row) is not None])
    assert any(text in fault for fault in result), result


@pytest.mark.parametrize(("column", "kind"), [("import_mw", "step"), ("meter_mw", "metered interval")])
def test_a_balance_that_does_not_close_is_seen(column: str, kind: str) -> None:
    """Proves: what is imported is what is drawn, in each step and metered interval. Sensitivity: one of them is off."""
    built = two_casts()
    run = replay(built, dispatch(built))
    flows = {name: run[name].to_numpy() for name in FLOWS}
    assert faults(built, rows_of(run), flows) == []
    flows[column] = flows[column] + np.eye(1, len(flows[column]), 3)[0]
    (fault,) = faults(built, rows_of(run), flows)
    assert fault.startswith(f"the balance of {kind} 3 is off by")


def test_limits_of_the_scenario_are_read_from_the_scenario() -> None:
    """Proves: locks, due times, outages and the import limit are judged as the scenario has them, not the table."""
    built = two_casts()
    rows = rows_of(replay(built, dispatch(built)))
    start = next(row.start for row in rows if (row.heat, row.stage) == ("A-2", "casting"))
    over = max(row.end for row in rows if row.heat == "B-2")

    def judged(**update: Any) -> list[str]:
        return faults(built.model_copy(update=update), rows)

    def lock(**when: str) -> dict[str, Any]:
        return {"locks": (Lock.model_validate({"heat": "A-2", "stage": "casting", **when}),)}

    assert judged(**lock(start=f"{start} min")) == []
    for when in (
        {"start": f"{start + 1} min"}, {"earliest": f"{start + 1} min"}, {"latest": f"{start - 1} min"},
        {"unit": "C2" if rows[0].unit != "C2" else "C"},
    ):  # fmt: skip
        (fault,) = judged(**lock(**when)) or ("",)
        assert fault.startswith("locks.0: heat A-2 at casting") or when == {"unit": "C"}
    late = two_casts(state={"outages": [{"unit": "L", "start": f"{rows[-1].start} min", "end": "23 h"}]})
    ladle = [row for row in rows if row.stage == "ladle" and row.end > rows[-1].start]
    assert sum("in an outage" in fault for fault in faults(late, rows)) == len(ladle)
    due = scenario(built.line.model_dump(mode="json", exclude_none=True, exclude_defaults=True), [
        cast("A", 2), cast("B", 2, due=f"{over - 1} min")
    ])  # fmt: skip
    assert any("due" in fault for fault in faults(due, rows))
    tight = two_casts(site={"grid": {"import_limit_mw": 60.0, "metered_interval_min": 15}})
    assert any("at most 60" in fault for fault in faults(tight, rows))
    assert np.isfinite([row.start for row in rows]).all()


def test_the_suite_is_watched() -> None:
    """Proves: whatever makes a plan, it passes the judge on its way, which sees what is wrong with it.

    Sensitivity: a lock in the scenario that the plan was not made with."""
    assert broken(full_plan()) == []
    with pytest.raises(AssertionError, match=r"locks\.0: heat A-1 at casting"):
        dataclasses.replace(full_plan(), scenario=full_plan().scenario.model_copy(update={"locks": LATE}))
