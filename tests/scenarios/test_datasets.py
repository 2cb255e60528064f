"""Datasets passed between rooms: their variables and attributes are those that are declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr

from emberline import twin
from emberline.scenarios import load
from emberline.scenarios.datasets import ENVELOPE, INPUTS, RUN, SCHEDULE, Policy, Status, ViolationKind, check


def test_what_the_twin_makes_has_declared_attributes_only() -> None:
    """Proves: every attribute has a unit and a meaning in one table. Sensitivity: an attribute more in the recorder."""
    scenario = load("melt-shop-small")
    for data, table in (
        (scenario.inputs, INPUTS),
        (twin.envelope(scenario), ENVELOPE),
        (twin.dispatch(scenario), SCHEDULE),
        (twin.simulate(scenario), RUN),
    ):
        assert set(data.attrs) <= set(table.attributes)


@pytest.mark.parametrize(("name", "value"), [("status", "fine"), ("policy", "nobody"), ("found", "yes"), ("gap", "")])
def test_an_attribute_of_another_value_is_refused(name: str, value: str) -> None:
    """Proves: a misspelt status does not travel on. Sensitivity: free strings."""
    schedule = twin.dispatch(load("melt-shop-small")).assign_attrs({name: value})
    with pytest.raises(ValueError, match=f"attribute {name}"):
        check(schedule, SCHEDULE)


def test_every_status_policy_and_kind_is_its_own_text() -> None:
    """Proves: stored runs keep their words. Sensitivity: a member that is renamed with its value."""
    assert [*Policy] == ["schedule", "baseline"]
    table = Path(__file__).resolve().parents[1] / "recorded" / "earlier_words.json"
    earlier = json.loads(table.read_text(encoding="utf-8"))
    assert Policy(earlier["attributes"]["policy"]) is Policy.BASELINE
    assert {Status.WITHIN_GAP, Status.BEST_FOUND, Status.INFEASIBLE} == {"within gap", "best found", "infeasible"}
    run = twin.simulate(load("melt-shop-small")).isel(violation=slice(0, 0))
    one = xr.DataArray(["melted"], dims="violation")
    broken = run.drop_dims("violation").assign(
        {
            name: ("violation", one.values if name == "violation_kind" else ["" if variable.text else 0.0])
            for name, variable in RUN.items()
            if variable.dims == ("violation",)
        }
    )
    with pytest.raises(ValueError, match="melted"):
        check(broken, RUN)
    assert "wait" in set(ViolationKind)
