"""Sankey diagrams of every bundled scenario: what goes in comes out, and it is what ledger and figures say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

from emberline import twin
from emberline.planning.accounts import sankey
from emberline.planning.accounts.ledger import Ledger, ledger
from emberline.planning.accounts.sankey import Diagram, Drawing
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Case, bundled, load
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.trade import Supply

CLOSE = 1e-6
"""Share of all that flows."""


@cache
def day(name: str) -> tuple[Case, xr.Dataset, Ledger]:
    """The baseline run of a bundled scenario; of the year its first week."""
    scenario = load(name, ["horizon.days=7"] if name == "works-hub-year" else [])
    run = twin.replay(scenario, twin.dispatch(scenario))
    return scenario, run, ledger(scenario, run)


def balanced(diagram: Diagram) -> None:
    assert diagram.links
    assert all(link.amount > 0 for link in diagram.links)
    between = [key for key in diagram.nodes if key in diagram.inflow and key in diagram.outflow]
    assert between
    for key in between:
        assert diagram.inflow[key] == pytest.approx(diagram.outflow[key], abs=CLOSE * diagram.total), key
    ends = sum(amount for key, amount in diagram.inflow.items() if key not in diagram.outflow)
    assert ends == pytest.approx(diagram.total, rel=CLOSE)


@pytest.mark.parametrize("name", bundled())
def test_energy_balances_and_is_what_the_ledger_counts(name: str) -> None:
    """Proves: nodes give what they take, nothing is short; import, export, fuels are those of figures and ledger."""
    scenario, run, book = day(name)
    result = sankey.energy(scenario, run)
    balanced(result)
    assert not {"shortage", "surplus"} & set(result.nodes)
    sums = figures(scenario, run)
    power = f"carrier {ELECTRICITY}"
    assert result.between("grid", power) == pytest.approx(sums.import_mwh, rel=CLOSE)
    assert result.between(power, "export") == pytest.approx(sums.export_mwh, abs=CLOSE * result.total)
    activity = {entry.source: entry.activity for entry in book.entries}
    supplies = [
        asset.name
        for asset in scenario.site.assets
        if isinstance(asset, Supply) and scenario.site.carrier[asset.carrier].unit == "MWh" and asset.name in activity
    ]
    for supply in supplies:
        assert result.outflow.get(f"asset {supply}", 0.0) == pytest.approx(activity[supply], abs=CLOSE * result.total)
    used = sum(
        amount
        for link in result.links
        if link.source == power
        and (link.target.split()[0] in ("stage", "process", "idle") or link.target == "asset base load")
        for amount in [link.amount]
    )
    assert used == pytest.approx(sums.energy_mwh, rel=CLOSE)


@pytest.mark.parametrize("name", bundled())
def test_carbon_balances_and_is_the_ledgers(name: str) -> None:
    """Proves: by each signal the sources are scope 1 and 2 of the ledger, and all of it ends somewhere."""
    scenario, _, book = day(name)
    for signal in book.grid:
        result = sankey.carbon(scenario, book, signal)
        balanced(result)
        total = book.total_kg(signal)
        assert total is not None
        emitted = sum(link.amount for link in result.links if result.nodes[link.target].kind == "scope"
                      and result.nodes[link.source].kind in ("source", "grid"))  # fmt: skip
        assert emitted == pytest.approx(total / 1000, rel=CLOSE)
        assert result.outflow.get("grid", 0.0) == 0
        for source, kg in book.direct.items():
            assert result.outflow.get(f"direct_kg from {source}", 0.0) == pytest.approx(
                kg / 1000, abs=1e-9 * result.total
            )


def test_what_is_missing_is_reported() -> None:
    """Proves: a run that does not balance shows what is short. Sensitivity: a tenth of the import taken away."""
    scenario, run, _ = day("melt-shop-small")
    less = run.assign(import_mw=run["import_mw"] * 0.9)
    result = sankey.energy(scenario, less)
    balanced(result)
    hours = scenario.horizon.step_h
    assert result.outflow["shortage"] == pytest.approx(0.1 * float(run["import_mw"].sum()) * hours, rel=1e-6)


def test_heat_of_a_pump_comes_from_outside() -> None:
    """Proves: what a heat pump gives beyond its electricity is drawn from its surroundings, 2.6 times that."""
    scenario, run, _ = day("works-hub-year")
    result = sankey.energy(scenario, run)
    pump = "asset heat pump"
    value = result.between(f"carrier {ELECTRICITY}", pump)
    assert result.between("surroundings", pump) == pytest.approx(2.6 * value, rel=1e-6)


def test_small_bands_may_be_left_out() -> None:
    """Proves: nodes go with their last link; what is drawn stays as it is."""
    drawing = Drawing("MWh")
    for key in ("a", "b", "c"):
        drawing.node(key, key, "use")
    drawing.add("a", "b", 10.0)
    drawing.add("a", "c", 0.001)
    drawing.add("b", "c", -1.0)
    whole = drawing.diagram()
    assert set(whole.nodes) == {"a", "b", "c"}
    assert [whole.through("a"), whole.total] == pytest.approx([10.001, 10.001])
    assert set(whole.without(1.0).nodes) == {"a", "b"}
    assert np.isclose(whole.between("a", "b"), 10.0)
