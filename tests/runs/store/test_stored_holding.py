"""What is reported of a plan that was made to hold: price, reasons, record and file, by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ruled_days import GAP, LATE, Day, Trial, four, needs, shop, trial

from emberline.planning.robustness.ensemble import interval
from emberline.planning.robustness.holding import Robustness
from emberline.planning.robustness.holding.reasons import frequent_violations, obstacles, remedies
from emberline.runs.store import ensembles
from emberline.runs.store.ensembles import HOLDING, read_holding, save_holding
from emberline.runs.store.store import Store, StoreError
from emberline.scenarios import Case, load


def ten_minutes() -> Trial:
    """40 of 100 days lack 10 min of slack; with it a plan costs 10 kg, and 10 of the objective, more than its draft."""
    return trial(needs(40, 10.0))


def test_the_record_of_a_plan_that_holds() -> None:
    """Proves: share, interval, draft, bounds, price, margins and limits of the record by hand; the bound of all plans
    is the draft's, that of plans with these margins is kept apart. Sensitivity: a field of the other plan."""
    holding = ten_minutes().result.robust.holding
    assert holding is not None
    record = {field.name: getattr(holding, field.name) for field in dataclasses.fields(holding)}
    figures, saving = record.pop("draft_figures"), record.pop("draft_saving")
    assert (figures["carbon_kg"], saving["carbon_kg"]) == (13100.0, 0.0)
    assert record == {
        "level": 0.8, "status": "holds", "reached": True, "days": 100, "share": 1.0, "interval": interval(100, 100),
        "baseline_share": 1.0, "draft_share": 0.6, "severity": {"kept": 100, "recourse": 0, "broken": 0},
        "baseline_severity": {"kept": 100, "recourse": 0, "broken": 0}, "recourse_cost": 0.0, "draft_objective": 100.0,
        "draft_bound": 90.0, "draft_gap": 0.1,
        "price": {
            "carbon_kg": {"nominal": 0.0, "baseline": 90.0, "mean": 10.0},
            "cost": {"nominal": 0.0, "baseline": 10.0, "mean": 0.0},
            "peak_mw": {"nominal": 0.0, "baseline": 5.0, "mean": 0.0},
        },
        "most_price": 20.0, "margins": {"planning_quantile": 0.5, "ladle.slack_min": 10.0},
        "settings": (
            "disturbances.planning_quantile=0.5", "disturbances.margins=[{stage: ladle, slack_min: 10}]"
        ),
        "request": {}, "misses": (), "margins_bound": 90.0, "margins_gap": 0.1, "reasons": (), "rounds": 3,
        "limit_s": 100.0, "seconds": 0.0,
    }  # fmt: skip
    assert trial(needs(40, 10.0), case=shop(due_margin_min=7)).result.robust.holding.request == {  # type: ignore[union-attr]
        "due_margin_min": 7
    }


def test_the_json_of_the_answer() -> None:
    """Proves: the whole report by hand, judgements of plan and draft in it; where nothing was judged they are left out.
    Sensitivity: a judgement left out or of the other plan, a round that lacks a figure."""
    result = ten_minutes().result
    text = json.loads(json.dumps(result.summary(), allow_nan=False))
    robust, plain, rounds = text.pop("robust"), text.pop("plain"), text.pop("rounds")
    assert (robust["held"], robust["n"], plain["held"], plain["n"]) == (100, 100, 60, 100)
    assert (robust["scenario"], robust["broke"], plain["broke"][0]["replications"]) == ("shop", [], 40)
    assert text == {
        "level": 0.8, "status": "holds", "why": "", "holds": True,
        "margins": {"planning_quantile": 0.5, "ladle.slack_min": 10.0},
        "settings": ["disturbances.planning_quantile=0.5", "disturbances.margins=[{stage: ladle, slack_min: 10}]"],
        "baseline_held": 100, "price": result.price, "most_price": 20.0, "seconds": 0.0,
    }  # fmt: skip
    row = {"status": "best found", "gap": 0.1, "n": 100, "carbon_kg": 13100.0, "cost": 1637.5, "seconds": 0.0}
    with_slack = {"margins": {"planning_quantile": 0.5, "ladle.slack_min": 10.0}, "held": 100, "broke": []}
    first = {"margins": {"planning_quantile": 0.5}, "held": 60, "broke": ["slack after ladle"]}
    assert rounds == [row | first, row | with_slack, row | with_slack]
    unjudged = dataclasses.replace(result, judged=None, plain_judged=None, seconds=1.23456)
    text = unjudged.summary()
    assert (text["robust"], text["plain"], text["baseline_held"], text["seconds"]) == (None, None, None, 1.235)
    assert text["price"] == {name: {"nominal": 0.0} for name in ("carbon_kg", "cost", "peak_mw")}
    assert unjudged.with_record(shop(), 1.0) is unjudged


def test_a_price_is_what_the_same_days_cost_more() -> None:
    """Proves: by what the plan costs more than its draft on the days that both have; where the draft's days lack the
    baseline, means are of the figures themselves. Nothing is proven of the price without a bound of the draft.
    Sensitivity: a sum, more days of one than of the other, a price of the wrong sign."""
    result = ten_minutes().result
    assert result.plain_judged is not None
    assert result.judged is not None
    days = np.arange(100.0)
    carbon = ("replication", 900.0 + days)
    plain = dataclasses.replace(result.plain_judged, data=result.plain_judged.data.assign(carbon_kg=carbon))
    rising = dataclasses.replace(result, plain_judged=plain)
    # 910 less a mean of 949.5
    assert rising.price["carbon_kg"] == {"nominal": 0.0, "baseline": 90.0, "mean": pytest.approx(-39.5)}
    few = dataclasses.replace(plain, data=plain.data.isel(replication=slice(11)))
    assert dataclasses.replace(result, plain_judged=few).price["carbon_kg"]["mean"] == pytest.approx(5.0)
    bare = plain.data.drop_vars([name for name in plain.data.data_vars if str(name).startswith("baseline_")])
    alone = dataclasses.replace(result, plain_judged=dataclasses.replace(plain, data=bare))
    assert alone.price["carbon_kg"] == {"nominal": 0.0, "baseline": 90.0, "mean": pytest.approx(-39.5)}
    for change in ({"bound": None}, {"bound": 95.0}):
        other = dataclasses.replace(result, plain=dataclasses.replace(result.plain, **change))
        assert other.most_price == (None if change["bound"] is None else 15.0)
    unknown = dataclasses.replace(result.robust, replay_figures=None)
    assert dataclasses.replace(result, robust=unknown).price == {}
    assert result.plain.replay_figures is not None
    less = dataclasses.replace(result.plain.replay_figures, carbon_kg=13000.0, peak_mw=38.0)
    dearer = dataclasses.replace(result, plain=dataclasses.replace(result.plain, replay_figures=less))
    assert (dearer.price["carbon_kg"]["nominal"], dearer.price["peak_mw"]["nominal"]) == (100.0, 2.0)


def test_what_stands_in_the_way_and_what_helps() -> None:
    """Proves: limits by the days on which they were missed, in words with hour, typical and worst amount in three
    digits; three causes at most, each remedy once; finer steps where longer ones round up. Sensitivity: another order,
    hours of first misses, a mean for a median."""
    rows = frequent_violations(four())
    assert rows == (
        {
            "kind": "due", "stage": "casting", "unit": "C", "measure": "min", "days": 2, "typical": 20.0, "worst": 30.0,
            "hour": 5,
        },
        {
            "kind": "cast", "stage": "casting", "unit": "C", "measure": "min", "days": 1, "typical": 4.0, "worst": 4.0,
            "hour": 3,
        },
    )  # fmt: skip
    more = {"stage": "", "unit": "", "measure": "MW", "days": 1, "typical": 1.23456, "worst": 1234.5, "hour": 23}
    rows += ({"kind": "import", **more}, {"kind": "asset", **more})
    lines = [str(line) for line in obstacles(shop(), rows, 4)]
    assert lines[0].startswith(
        "On 50 % of the days heats are late at C, most often from Tue 10 Mar 05:00 to Tue 10 Mar"
    )
    assert lines[0].endswith(" 06:00, typically by 20 min, at worst by 30.")
    assert lines[1].startswith("On 25 % of the days casts are interrupted at C")
    assert lines[2].endswith("typically by 1.23 MW, at worst by 1,230.") or lines[2].endswith("at worst by 1230.")
    assert len(lines) == 3
    strange = next(obstacles(shop(), ({**more, "kind": "noise"},), 4))
    assert str(strange).startswith("On 25 % of the days limits are missed: noise, ")
    assert "limits are missed: hall" in str(next(obstacles(shop(), ({**more, "kind": "noise", "stage": "hall"},), 4)))
    words = [str(line) for line in remedies(shop(), (rows[0], rows[0], rows[1], rows[2]))]
    assert [line[:12] for line in words] == ["later due ti", "a caster tha"]
    assert not list(remedies(load("cement-week"), ()))


def test_reasons_of_a_plan_that_does_not_hold() -> None:
    """Proves: where no margin helps, causes and remedies are named, and the baseline where it holds on enough days;
    where the time was over, four times the limit, rounded up to ten seconds, and the margins that were next.
    Sensitivity: remedies that nobody has tried to do without, a baseline that holds less often."""

    def broken(case: Case, day: int, seed: int) -> Day:
        return {LATE: 9.0, GAP: 5.0} if day < 50 else {}

    def reasons(**how: Any) -> tuple[list[str], Robustness]:
        result = trial(broken, **how).result
        assert result.robust.holding is not None
        return [str(line) for line in result.robust.holding.reasons], result

    lines, result = reasons(baseline=lambda day: int(day < 21))
    assert result.status == "cannot"
    assert lines[0].startswith("On 50 % of the days casts are interrupted at C")
    assert lines[1].startswith("On 50 % of the days heats are late at C")
    assert lines[-1].startswith("What would help: ")
    assert "later due times" in lines[-1]
    assert "baseline" not in lines[-1]
    lines, _ = reasons(baseline=lambda day: int(day < 20))
    assert lines[-1].endswith(", the baseline, today's practice, which holds on 80 % of the days.")
    case, now = shop(), [0.0]
    odd = case.model_copy(update={"goal": case.goal.model_copy(update={"effort": 60.1})})

    def later(event: dict[str, Any]) -> None:
        now[0] = 99.0 if event["phase"] == "round" else now[0]

    lines, _ = reasons(case=odd, clock=lambda: now[0], on_progress=later, baseline=lambda day: 1)
    assert lines[-2] == "The time was over before all margins were tried."
    assert lines[-1] == (
        "What would help: more effort (goal.effort=250), the margins to be tried next (disturbances.margins="
        "[{stage: ladle, slack_min: 5}], disturbances.due_margin_min=9)."
    )
    now[0] = 0.0
    again, _ = reasons(case=odd, clock=lambda: now[0], on_progress=later)
    assert again[-1] == lines[-1][:-1] + ", the baseline, today's practice, which holds on 100 % of the days."


def test_the_answer_is_kept_next_to_its_run(tmp_path: Path) -> None:
    """Proves: what is read is what was stored, with the judgement; nothing where there is none or nothing was judged; a
    torn file is one line. Sensitivity: half an answer taken for one."""
    result, runs = ten_minutes().result, Store(tmp_path)
    with runs.working(result.robust.scenario) as run:
        folder = save_holding(runs, run, result)
    assert read_holding(folder) == json.loads(json.dumps(result.summary()))
    (seed,) = ensembles.seeds(runs.open(run))
    assert ensembles.read(runs.open(run), seed).successes == 100
    whole = (folder / HOLDING).read_bytes()
    for torn in (whole[:-40], b"{}", b""):
        (folder / HOLDING).write_bytes(torn)
        with pytest.raises(StoreError, match=rf"{HOLDING} of run {folder.name} is torn; make the plan again"):
            read_holding(folder)
    (folder / HOLDING).unlink()
    assert read_holding(folder) is None
    unjudged = dataclasses.replace(result, judged=None)
    with runs.working(result.robust.scenario) as run:
        folder = save_holding(runs, run, unjudged)
    assert not (folder / HOLDING).exists()
    assert ensembles.seeds(runs.open(run)) == []


def test_stock_counts_in_a_price_and_in_replays() -> None:
    """Proves: the undisturbed price is by what both plans save, stock credited, where the baseline makes the same as
    both, else by their figures; the plan's replays have what stocks are worth. Sensitivity: figures in any case."""
    figures = ten_minutes().result.plain.replay_figures
    assert figures is not None
    more = dataclasses.replace(figures, carbon_kg=figures.carbon_kg + 100.0)

    def plan(sums: Any, **saved: float) -> Any:
        return SimpleNamespace(scenario=shop(), replay_figures=sums, saved=lambda: saved)

    for mine, theirs, nominal in (
        ({"carbon_kg": 5.0}, {"carbon_kg": 8.0}, 3.0), ({}, {"carbon_kg": 8.0}, 100.0), ({"carbon_kg": 5.0}, {}, 100.0),
    ):  # fmt: skip
        answer = Robustness(0.8, "holds", "", (), plan(figures, **theirs), plan(more, **mine))
        assert answer.price["carbon_kg"] == {"nominal": nominal}
        assert answer.price["cost"] == {"nominal": 0.0}
    worth = dataclasses.replace(four(), data=four().data.assign(more_carbon_kg=("replication", np.arange(4.0))))
    replays = worth.replays
    assert (replays.n, replays.successes) == (4, 2)
    assert replays.data["more_carbon_kg"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert set(map(str, replays.data.data_vars)) == {
        "carbon_kg", "cost", "peak_mw", "late_heats", "missed_deliveries", "violations", "baseline_carbon_kg",
        "baseline_cost", "baseline_peak_mw", "baseline_late_heats", "baseline_missed_deliveries",
        "baseline_violations", "more_carbon_kg",
    }  # fmt: skip
