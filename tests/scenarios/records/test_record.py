"""What all nouns have in common."""

from __future__ import annotations

from emberline.scenarios import Scenario, load


def test_nouns_are_compared_by_their_fields() -> None:
    """Proves: two loads of a scenario are equal and hash alike, also after something was worked out of them, and one
    field more or less makes them differ. Sensitivity: pydantic's own comparison also compares what is cached, and two
    arrays are not equal or unequal."""
    one, other = load("melt-shop-small"), load("melt-shop-small")
    assert len(one.horizon.times) == len(other.horizon.times)
    assert one.horizon == other.horizon
    assert hash(one.horizon) == hash(other.horizon)
    assert one == other
    assert one.horizon != load("melt-shop-small", ["horizon.start=2026-06-17"]).horizon
    assert one.horizon != one.market


def test_what_is_given_is_kept_though_it_be_the_default() -> None:
    """Proves: written out without defaults and read again, a mode that says it takes nothing takes nothing, and a
    carrier's flow of 1 for each tonne stays said.

    Sensitivity: left out, the mode takes what the process does, and the flow is refused as missing."""
    scenario = Scenario.model_validate(
        {
            "name": "mill",
            "horizon": {"start": "2026-01-05", "length_h": 2, "step_min": 60},
            "market": {"price_per_mwh": 100, "carbon_intensity_kg_per_mwh": 300},
            "stores": [{"name": name, "capacity_t": 100, "level_t": 50} for name in ("raw", "ground")],
            "site": {
                "carriers": [{"name": "steam"}],
                "assets": [{"kind": "supply", "name": "net", "carrier": "steam"}],
            },
            "processes": [
                {
                    "name": "mill",
                    "inputs": [{"store": "raw"}, {"carrier": "steam", "per_t": 1}],
                    "outputs": [{"store": "ground"}],
                    "kwh_per_t": 20,
                    "modes": [
                        {"name": "usual", "rate": 10},
                        {"name": "again", "rate": 10, "inputs": [], "power_mw": 0},
                    ],
                }
            ],
        }
    )
    again = Scenario.model_validate_json(scenario.model_dump_json(exclude_defaults=True))
    for one in (scenario, again):
        usual, alone = one.processes[0].all_modes
        assert [flow.place for flow in usual.inputs] == ["raw", "steam"]
        assert (alone.inputs, alone.kwh_per_t) == ((), None)
    assert again == scenario
