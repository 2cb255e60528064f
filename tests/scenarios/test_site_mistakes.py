"""Mistakes in a site are told in one clear line each."""

from __future__ import annotations

import pytest

from emberline.scenarios import load
from emberline.scenarios.records.base import ScenarioError

OG = "site.carriers=[{name: og, waste: false}]"
CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "a contract that is nothing": (("market.contracts=[null]",), "a contract is a mapping with kind, name"),
    "a kind that is a list": (("site.assets=[{kind: [supply], name: s}]",), "unknown kind"),
    "a contract's kind that is a list": (("market.contracts=[{kind: [ppa], name: s}]",), "unknown kind"),
    "a currency that nobody knows": (("market.currency=EURO",), "market.currency: must be one of EUR, USD"),
    "a share that was meant in %": (
        ("site.pv={peak_mw: 5 MW, capacity_factor: 50}",),
        "50 is no share of a capacity; at most 1, or write %",
    ),
    "gas that has nowhere to go": (
        (OG, "line.stages.0.gives=[{carrier: og, per_mwh: 0.2}]"),
        "'og' may not be vented and no asset takes it; add one, or say dump: true",
    ),
    "gas of no carrier": (
        ("line.stages.0.gives=[{carrier: og, per_mwh: 0.2}]",),
        "'og' is no carrier that the line can give",
    ),
    "the same gas twice": (
        (OG, "line.stages.0.gives=[{carrier: og, per_mwh: 0.2}, {carrier: og, per_mwh: 0.1}]"),
        "gives names og twice",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_for_each_mistake(case: str) -> None:
    """Proves: the mistake is found and told once, and nothing else. Sensitivity: a stack trace, or a second line."""
    changes, says = CASES[case]
    with pytest.raises(ScenarioError) as told:
        load("melt-shop-small", list(changes))
    assert len(told.value.problems) == 1, told.value
    assert says in str(told.value)
