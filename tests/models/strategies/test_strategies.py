"""Strategies behind the one door: each that suits plans the same heats, and the dataset says which one did."""

from __future__ import annotations

import pytest
import xarray as xr

from emberline import twin
from emberline.models import optimize
from emberline.scenarios import Case, load

SMALL = ("goal.effort=2", "goal.gap=0.02", "disturbances.replications=0")
NAMES = ("counts by unit", "pooled counts")
PLAIN = (*SMALL, "site.battery=null", "site.pv=null", "site.grid.import_limit_mw=null", "line.heat_loss=null")


def small_shop(overrides: tuple[str, ...]) -> tuple[Case, xr.Dataset, xr.Dataset]:
    scenario = load("melt-shop-small", overrides)
    envelope = twin.envelope(scenario)
    return scenario, envelope, twin.dispatch(scenario, envelope)


def test_strategies_agree_and_say_their_names() -> None:
    """Proves: each plans no worse than the baseline and says its name; none proves a bound above what another has
    found. Sensitivity: a bound from a search that was cut off."""
    scenario, envelope, baseline = small_shop(PLAIN)
    intensity = scenario.inputs["carbon_intensity_kg_per_mwh"]
    table = {name: optimize(scenario, envelope, baseline, strategy=name) for name in NAMES}
    for name, plan in table.items():
        assert plan.attrs["strategy"] == name
        assert plan.attrs["found"] == 1
        assert float((plan["import_mw"] * intensity).sum()) <= float((baseline["import_mw"] * intensity).sum()) + 1e-6
        assert max(one.attrs["bound"] for one in table.values()) <= plan.attrs["objective"] * (1 + 1e-6)


@pytest.mark.parametrize(
    ("strategy", "text"), [("guessing", "there is no strategy 'guessing'"), ("groups of casts", "does not suit")]
)
def test_what_does_not_suit_is_refused(strategy: str, text: str) -> None:
    """Proves: one line says what there is; nothing is searched."""
    scenario, envelope, baseline = small_shop(SMALL)
    with pytest.raises(ValueError, match=text):
        optimize(scenario, envelope, baseline, strategy=strategy)


def test_a_site_alone_has_no_strategies_of_heats() -> None:
    """Proves: naming one for a site is refused, and its plan says what kind it is."""
    scenario = load("works-hub-year", ("horizon.days=1", "goal.effort=20"))
    envelope = twin.envelope(scenario)
    with pytest.raises(ValueError, match="a site alone"):
        optimize(scenario, envelope, strategy="pooled counts")
    assert optimize(scenario, envelope).attrs["strategy"] == "a site alone"
