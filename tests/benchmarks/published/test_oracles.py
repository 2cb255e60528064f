"""Published melt shops by the command: the product's model finds the optimum, its twin keeps it without a violation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.published import melt_shop

pytestmark = pytest.mark.shared


def test_published_optimum_is_proven_and_replayed(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: objective, bound and replay meet at the published cost, stdout is JSON alone.

    Sensitivity: the safe rounding, of durations and transfers together, costs less; the solver's banner is no JSON.
    """
    path = shared / "oracles" / "melt_shop" / "plant2.json"
    assert melt_shop.main([str(path), "--groups", "2", "--time-limit", "60", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["objective"] == pytest.approx(60246.2267, abs=0.01)
    assert answer["bound"] == pytest.approx(60246.2267, abs=0.01)
    assert answer["replay_cost"] == pytest.approx(answer["objective"], abs=0.01)
    assert answer["gap"] <= 1e-6
    assert answer["violations"] == []


def test_waits_follow_the_published_rule(shared: Path) -> None:
    """Proves: 16 slots from furnace to converter whatever the way; to the caster, 8 besides the transfer.

    Sensitivity: rounding transfer and rest by themselves gives 17, and 7 besides the long transfer.
    """
    case = melt_shop.read(shared / "oracles" / "melt_shop" / "plant2.json")
    assert {melt_shop.most_slots(case, "1", minutes) for minutes in case.transfers("1").values()} == {16}
    assert [melt_shop.most_slots(case, "3", minutes) for minutes in (10.0, 15.0, 20.0)] == [9, 9, 10]


def test_a_case_too_long_for_its_day_has_no_schedule(
    shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Proves: exit code 1 and an empty objective. Sensitivity: an infeasible model taken for solved."""
    data = json.loads((shared / "oracles" / "melt_shop" / "plant2.json").read_text(encoding="utf-8"))
    data["energy_price"] = data["energy_price"][:6]
    path = tmp_path / "short.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert melt_shop.main([str(path), "--groups", "1", "--time-limit", "10", "--json"]) == 1
    answer = json.loads(capfd.readouterr().out)
    assert answer["objective"] is None
    assert answer["status"] == "infeasible"


def test_bad_files_and_groups_are_named_in_one_line(
    shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Proves: exit code 2 and what is wrong. Sensitivity: a traceback, or nothing said of which entry."""
    good = shared / "oracles" / "melt_shop" / "plant2.json"
    data = json.loads(good.read_text(encoding="utf-8"))
    bad = tmp_path / "bad.json"

    def says(*argv: str) -> str:
        assert melt_shop.main([*argv, "--json"]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err

    assert "is missing" in says(str(tmp_path / "none.json"))
    bad.write_text("{", encoding="utf-8")
    assert "is not JSON" in says(str(bad))
    bad.write_text("[]", encoding="utf-8")
    assert str(bad) in says(str(bad))
    bad.write_text(json.dumps(data | {"energy_price": ["dear"]}), encoding="utf-8")
    assert "energy_price.0" in says(str(bad))
    bad.write_text(json.dumps(data | {"trans_time": {}}), encoding="utf-8")
    assert "EAF1-AOD1" in says(str(bad))
    bad.write_text(json.dumps(data | {"equip2process_time": {}}), encoding="utf-8")
    assert "EAF1 has no time for heat 1" in says(str(bad))
    assert "groups 1…6" in says(str(good), "--groups", "7")
    assert "groups 1…6" in says(str(good), "--groups", "0")
