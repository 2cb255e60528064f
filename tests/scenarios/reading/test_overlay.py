"""An overlay changes part of a scenario, and its mistakes are reported where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberline.scenarios import ScenarioError, load


def test_mappings_are_merged_and_lists_replaced(tmp_path: Path) -> None:
    """Proves: what an overlay does not name stays. Sensitivity: a replaced mapping would lose the goal's caps."""
    path = tmp_path / "over.yaml"
    path.write_text("disturbances: {breakdowns: [{unit: LF, mtbf_h: 9 h, mttr_min: 5}]}\ngoal: {gap: 3 %}\n")
    before, after = load("melt-shop-small"), load("melt-shop-small", [f"@{path}", "goal.gap=4 %"])
    assert [item.unit for item in after.disturbances.breakdowns] == ["LF"]
    assert after.disturbances.duration_spread == before.disturbances.duration_spread
    assert after.goal == before.goal.model_copy(update={"gap": 0.04})


def test_mistakes_name_the_overlay(tmp_path: Path) -> None:
    """Proves: file and line are the overlay's. Sensitivity: the scenario's line would send the user astray."""
    path = tmp_path / "over.yaml"
    path.write_text("goal:\n  gap: 7\n  gpa: 1\n")
    with pytest.raises(ScenarioError) as caught:
        load("melt-shop-small", [f"@{path}"])
    first, second = str(caught.value).splitlines()
    assert first.startswith("--set @over.yaml:2: goal.gap: ")
    assert second.startswith("--set @over.yaml:3: goal.gpa: unknown key")
    with pytest.raises(ScenarioError, match=r"none\.yaml: no such file"):
        load("melt-shop-small", [f"@{tmp_path / 'none.yaml'}"])
