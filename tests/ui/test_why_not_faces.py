"""Why not, as command and page tell it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emberline.planning.answer import OVERRIDES
from emberline.runs.jobs import queue
from emberline.runs.work import analyses
from emberline.studies.why.why_not import Repair, WhyNot
from emberline.ui.cli.answers import why
from emberline.ui.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
LATE = ["melt-shop-small", "--set", "orders.C1.due=4 h", "--quiet"]


def ran(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["emberline", *words])
    with pytest.raises(SystemExit) as process:
        main()
    out, err = capfd.readouterr()
    return int(process.value.code or 0), out, err


def test_the_set_lines_that_are_printed_repair_the_scenario(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    """Proves: what is printed can be pasted: with it the same command ends with 0, without it with 1."""
    code, out, _ = ran(monkeypatch, capfd, "why-not", *LATE, "--time-limit", "8")
    assert code == 1
    assert "no plan can meet all limits (proven)" in out
    repair = re.search(r"^repair .*\n\s+(--set .*)$", out, re.MULTILINE)
    assert repair is not None, out
    code, out, _ = ran(monkeypatch, capfd, "why-not", *LATE, *shlex.split(repair.group(1)))
    assert code == 0, out


def test_a_plan_that_is_infeasible_says_why(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path
) -> None:
    """Proves: the run is stored as ever, and the JSON holds conflict and repairs."""
    monkeypatch.setattr(why, "PLANNED_S", 15.0)
    code, out, _ = ran(monkeypatch, capfd, "plan", *LATE, "--json")
    answer = json.loads(out)
    assert code == 1
    assert answer["status"] == "infeasible"
    assert answer["why_not"]["repairs"][0]["set"] == ["orders.C1.due=285 min"]
    assert answer["why_not"]["conflict_keys"] == ["orders.C1.due"]


def test_a_mistake_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: bad input is exit code 2 and no search."""
    code, out, err = ran(monkeypatch, capfd, "why-not", "melt-shop-small", "--set", "orders.C1.due=never")
    assert code == 2
    assert out == ""
    assert "orders" in err
    assert "Traceback" not in err


def test_lines_quote_what_a_shell_would_split() -> None:
    """Proves: names with spaces survive."""
    repair = Repair(
        ("room of liquid metal to 300 t (now 260 t)",), ("stores.liquid metal.capacity_t=300",), ("k",), 1.0
    )
    entries = list(why.lines(WhyNot("infeasible", repairs=(repair,), attempts=3, of=3, complete=True)))
    assert entries[1].strip() == "--set 'stores.liquid metal.capacity_t=300'"


def test_the_page_plans_with_a_repair(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the button of a repair starts a plan with its overrides, and the side keeps them until taken back."""
    table: dict[str, Any] = {
        "status": "infeasible", "missing": ["casting needs 0.6 h more"], "conflict": ["due time of order C1"],
        "irreducible": False, "limits_tried": 1, "limits": 16,
        "repairs": [{"says": ["due time of order C1 to 04:45"], "set": ["orders.C1.due=285 min"]}],
    }  # fmt: skip
    started: list[tuple[str, str, tuple[str, ...]]] = []
    run, job = "f" * 32, "1" * 32
    request = {"scenario": "melt-shop-small", "overrides": ["orders.C1.due=4 h"], "note": {}}
    request_of_analysis = {**request, "kind": "analysis", "given": {"analysis": "why_not", "run": run}}

    def start(scenario: str, overrides: Any, note: Any = None, kind: str = "plan", options: Any = None) -> str:
        started.append((kind, scenario, tuple(overrides)))
        return job if kind == "analysis" else "0" * 32

    analyses.save(home, job, "why_not", request_of_analysis, table)
    monkeypatch.setattr(queue, "about", lambda run, kind: job if started else None)
    monkeypatch.setattr(queue, "request", lambda run: request_of_analysis if run == job else request)
    monkeypatch.setattr(queue, "start", start)

    def page() -> None:
        from emberline.ui.pages.result import repairs

        repairs.ask("f" * 32)
        repairs.applied("melt-shop-small", {})

    app = AppTest.from_function(page, default_timeout=180).run()
    app.button(key=f"why.{'f' * 32}.button").click().run()
    assert not app.exception
    assert any("casting needs 0.6 h more" in text.value for text in app.text)
    app.button(key="repair.0").click().run()
    assert not app.exception
    assert started == [
        ("analysis", "melt-shop-small", ("orders.C1.due=4 h",)),
        ("plan", "melt-shop-small", ("orders.C1.due=4 h", "orders.C1.due=285 min")),
    ]
    assert any("orders.C1.due=285 min" in text.value for text in app.text)
    app.button(key="melt-shop-small.repairs.back").click().run()
    assert not any("Applied changes" in text.value for text in app.text)


def test_a_point_of_the_front_is_searched_and_the_side_has_its_goal(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: the buttons say that they search; one starts the request again with its goal, which the side then has in
    its field with its cap on cost below it; a cap at no more cost is named in words, and goes when another point is
    searched. Sensitivity: the goal
    as an applied repair below a field with the old one; a cap of no more cost that stays for least carbon."""
    started: list[tuple[str, ...]] = []
    request = {"scenario": "melt-shop-small", "overrides": [], "note": {"scenario": "melt-shop-small"}}

    def start(scenario: str, overrides: Any, note: Any = None, kind: str = "plan", options: Any = None) -> str:
        started.append(tuple(overrides))
        request.update(overrides=list(overrides), note=note)
        return "0" * 32

    monkeypatch.setattr(queue, "request", lambda run: request)
    monkeypatch.setattr(queue, "start", start)

    def page() -> None:
        from emberline.planning.answer import OVERRIDES
        from emberline.ui.pages.request import form
        from emberline.ui.pages.result import repairs

        form.ask("plan")
        for name, overrides in OVERRIDES.items():
            repairs.variant("f" * 32, f"Search: {name}", overrides)

    def goal(app: AppTest) -> str:
        return str(next(box.value for box in app.selectbox if box.label == "Goal"))

    app = AppTest.from_function(page, default_timeout=180).run()
    buttons = {
        button.label.removeprefix("Search: "): str(button.key) for button in app.button if "Search: " in button.label
    }
    assert goal(app) == "carbon"
    assert "Cost at most 2 % above the baseline's." in [caption.value for caption in app.caption]
    for name, overrides in ("least cost", ["goal.minimize=cost"]), ("no regret", OVERRIDES["no regret"]):
        app.button(key=buttons[name]).click().run()
        assert not app.exception
        assert list(started[-1])[-len(overrides) :] == overrides
        assert f"goal.minimize={goal(app)}" == overrides[0]
        caps = [caption.value for caption in app.caption if caption.value.startswith("Cost")]
        assert caps == ([] if name == "least cost" else ["Cost not above the baseline's."])
    assert any("cost not above the baseline's" in text.value for text in app.text)
    app.button(key=buttons["least carbon"]).click().run()
    assert "goal.caps.extra_cost_share=0" not in started[-1]
    assert not any("Applied changes" in text.value for text in app.text)
