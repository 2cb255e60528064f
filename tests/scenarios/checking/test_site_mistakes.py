"""Mistakes in a site are reported in one clear line each."""

from __future__ import annotations

import pytest

from emberline.scenarios import load
from emberline.scenarios.records.base import ScenarioError

OG = "site.carriers=[{name: og, waste: false}]"
MELTS = "site.carriers=[{name: heat}, {name: steam, unit: t}]"


def salt(limits: str, carrier: str = "heat") -> tuple[str, ...]:
    asset = f"{{kind: latent_heat_store, name: salt, carrier: {carrier}, capacity: 10, limits: {limits}}}"
    return MELTS, f"site.assets=[{asset}]"


CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "a contract that is nothing": (("market.contracts=[null]",), "a contract is a mapping with kind, name"),
    "a kind that is a list": (("site.assets=[{kind: [supply], name: s}]",), "unknown kind"),
    "a contract's kind that is a list": (("market.contracts=[{kind: [ppa], name: s}]",), "unknown kind"),
    "a currency that nobody knows": (("market.currency=EURO",), "market.currency: must be one of EUR, USD"),
    "a share that was meant in %": (
        ("site.pv={peak_mw: 5 MW, capacity_factor: 50}",),
        "50 is not a share of a capacity; at most 1, or write %",
    ),
    "gas that has nowhere to go": (
        (OG, "line.stages.0.gives=[{carrier: og, per_mwh: 0.2}]"),
        "'og' must not be vented and no asset uses it; add one, or set dump: true",
    ),
    "gas of no carrier": (
        ("line.stages.0.gives=[{carrier: og, per_mwh: 0.2}]",),
        "'og' is not a carrier that the line can supply",
    ),
    "levels that do not rise": (
        salt(
            "[{level_share: 0, in_rate: 4, out_rate: 0}, {level_share: 60 %, in_rate: 4, out_rate: 1}, "
            "{level_share: 40 %, in_rate: 4, out_rate: 1}, {level_share: 1, in_rate: 2, out_rate: 4}]"
        ),
        "site.assets.0.limits.2.level_share: is 0.4; it must lie above the 0.6 of the point before it",
    ),
    "a curve that does not begin at 0": (
        salt("[{level_share: 0.1, in_rate: 4, out_rate: 0}, {level_share: 1, in_rate: 2, out_rate: 4}]"),
        "site.assets.0.limits.0.level_share: is 0.1; levels rise from 0 at the first point to 1 at the last",
    ),
    "a curve of one point": (salt("[{level_share: 0, in_rate: 4, out_rate: 0}]"), "site.assets.0.limits: "),
    "a rate by level below 0": (
        salt("[{level_share: 0, in_rate: -4, out_rate: 0}, {level_share: 1, in_rate: 2, out_rate: 4}]"),
        "site.assets.0.limits.0.in_rate: ",
    ),
    "a rate by level in the unit of another carrier": (
        salt("[{level_share: 0, in_rate: 4 MW, out_rate: 0}, {level_share: 1, in_rate: 2, out_rate: 4}]", "steam"),
        "site.assets.0.limits.0.in_rate: ",
    ),
    "a curve of no carrier": (
        salt("[{level_share: 0, in_rate: 4 MW, out_rate: 0}, {level_share: 1, in_rate: 2, out_rate: 4}]", "heet"),
        "site.assets.0.carrier: unknown carrier 'heet'",
    ),
    "the same gas twice": (
        (OG, "line.stages.0.gives=[{carrier: og, per_mwh: 0.2}, {carrier: og, per_mwh: 0.1}]"),
        "gives names og twice",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_for_each_mistake(case: str) -> None:
    """Proves: the mistake is reported once, and nothing else. Sensitivity: a stack trace, or a second line."""
    changes, sentence = CASES[case]
    with pytest.raises(ScenarioError) as text:
        load("melt-shop-small", list(changes))
    assert len(text.value.problems) == 1, text.value
    assert sentence in str(text.value)
