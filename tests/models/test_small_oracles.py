"""Random small works and sites compared with an oracle of their own; ``python -m benchmarks works`` has a hundred."""

from __future__ import annotations

from collections import Counter

import pytest
import random_shops
from compared import compare
from line_oracle import compared
from small_sites import random_site
from small_works import random_works

from emberline.planning import PLAIN, make_plan

OPTIONAL = {
    "must_run", "planned_stop", "ramp_tph_per_h", "change_over", "heat", "power_by_rate", "emissions", "amount_t",
    "weekly", "demand", "energy", "import_limit_mw", "export_limit_mw", "battery", "pv", "outages", "peak_so_far_mw",
}  # fmt: skip
LIMIT_S = 120.0
"""Far above what any of them takes."""


@pytest.mark.parametrize("seed", [3, 8, 17, 20, 24, 1054])
def test_a_works_is_planned_as_by_its_oracle(seed: int) -> None:
    """Proves: processes in a row with outages, start-ups, ramps, stores, orders, fuels, tariff, battery and limits have
    the optimum of a program of single paths written from the docs; where that has none, there is proven to be none.

    Sensitivity: off-spec product after an outage makes 1054 infeasible."""
    assert compare(random_works(seed), LIMIT_S).faults == ()


@pytest.mark.parametrize("seed", [4, 6, 8, 15])
def test_a_site_is_planned_as_by_its_oracle(seed: int) -> None:
    """Proves: the same for machines, stores, loads, tariff and battery of a site alone."""
    assert compare(random_site(seed), LIMIT_S).faults == ()


@pytest.mark.parametrize(
    ("seed", "curve"),
    [(4, ((0, 2, 0.5), (0.4, 4, 3), (1, 4, 3))), (15, ((0, 5, 1), (0.2, 2, 2), (0.8, 2, 2), (1, 1, 5)))],
)
def test_a_latent_heat_store_is_planned_as_by_its_oracle(seed: int, curve: tuple[tuple[float, ...], ...]) -> None:
    """Proves: the same where heat is kept in a store whose rates follow its level, its curve bent downward or not."""
    raw = random_site(seed)
    raw["site"]["assets"] = [asset for asset in raw["site"]["assets"] if asset["name"] != "heat store"]
    points = [dict(zip(("level_share", "in_rate", "out_rate"), point, strict=True)) for point in curve]
    raw["site"]["assets"].append(
        {"kind": "latent_heat_store", "name": "salt", "carrier": "heat", "capacity": 6.0, "level_share": 0.3,
         "in_efficiency": 0.95, "self_loss_per_h": 0.01, "limits": points}
    )  # fmt: skip
    assert compare(raw, LIMIT_S).faults == ()


@pytest.mark.parametrize("seed", [56, 68, 153, 240, 264])
def test_a_line_with_its_site_is_planned_as_by_its_oracle(seed: int) -> None:
    """Proves: of lines of few heats with PV, battery, export, limits, demand charges and negative prices, on steps
    above and below the metered interval, plan and bound are the optimum of a program that has every way of every heat,
    and the exported files keep every limit and cost what the plan says.

    Sensitivity: PV that follows the line by the step alone, a battery both ways at once, a peak of steps."""
    shop = random_shops.sited(seed)
    shop[0]["goal"]["time_limit_s"] = LIMIT_S
    answer = compared(make_plan(random_shops.built(shop), PLAIN), LIMIT_S)
    assert (answer.oracle.status, answer.faults, answer.short) == ("optimal", (), "")


def test_the_small_works_have_every_feature() -> None:
    """Proves: each feature is in at least five of the hundred works of the bench, and they mix."""
    count: Counter[str] = Counter()
    for seed in range(100):
        raw = random_works(seed)
        processes, site, tariff = raw["processes"], raw["site"], raw["market"].get("tariff", {})
        grid, step = site["grid"], raw["horizon"]["step_min"]
        meter, deliveries = grid["metered_interval_min"], raw["deliveries"]
        keys = {key for process in processes for key in process} | {key for order in deliveries for key in order}
        count.update(keys & OPTIONAL)
        count.update({*tariff, *grid, *site, *raw["series"], *raw.get("state", {})} & OPTIONAL)
        table = {
            "two units": any(process["count"] > 1 for process in processes),
            "start-up": any(process["start_up"]["hours"] for process in processes),
            "off-spec": any(process["start_up"]["off_spec_t"] for process in processes),
            "negative price": min(raw["series"]["price"]) < 0,
            "gas": any(carrier["name"] == "gas" for carrier in site["carriers"]),
            "half-hour zone": raw["horizon"]["zone"] in ("Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
            "step and meter apart": step % meter > 0 and meter % step > 0,
            "loss": any(store["loss_per_h"] for store in raw["stores"]),
            "arrival": bool(raw["arrivals"]),
            "in a row": len(processes) > 1,
        }
        count.update(name for name, has in table.items() if has)
    assert len(count) == len(OPTIONAL) + 10
    assert min(count.values()) >= 5, count.most_common()[-3:]
