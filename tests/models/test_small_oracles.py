"""Random small works and sites beside an oracle that shares nothing with the models (``python -m benchmarks works``)."""

from __future__ import annotations

from collections import Counter

import pytest
from compared import compare
from small_sites import random_site
from small_works import random_works

LIMIT_S = 120.0
"""Far above what any of them takes."""


@pytest.mark.parametrize("seed", [3, 8, 11, 1054, 17, 20, 24])
def test_a_works_is_planned_as_by_its_oracle(seed: int) -> None:
    """Proves: processes in a row with outages, start-ups, ramps, stores, orders, fuels, tariff, battery and limits have
    the optimum of a program of single paths written from the docs; where that has none, there is proven to be none.

    Sensitivity: off-spec product after an outage makes 1054 infeasible."""
    assert compare(random_works(seed), LIMIT_S).faults == ()


@pytest.mark.parametrize("seed", [1, 4, 6, 8, 15])
def test_a_site_is_planned_as_by_its_oracle(seed: int) -> None:
    """Proves: the same for machines, stores, loads, tariff and battery of a site alone."""
    assert compare(random_site(seed), LIMIT_S).faults == ()


def test_the_small_works_have_every_feature() -> None:
    """Proves: each feature is in at least five of the hundred works of the bench, and they mix."""
    count: Counter[str] = Counter()
    for seed in range(100):
        raw = random_works(seed)
        processes, site, tariff = raw["processes"], raw["site"], raw["market"].get("tariff", {})
        told = {
            "outage": "outages" in raw.get("state", {}), "must run": any("must_run" in p for p in processes),
            "planned stop": any("planned_stop" in p for p in processes), "ramp": any("ramp_tph_per_h" in p for p in processes),
            "change-over": any("change_over" in p for p in processes), "two units": any(p["count"] > 1 for p in processes),
            "start-up": any(p["start_up"]["hours"] for p in processes), "fuels": any("heat" in p for p in processes),
            "off-spec": any(p["start_up"]["off_spec_t"] for p in processes), "demand charge": "demand" in tariff,
            "rates by hour": "energy" in tariff, "import limit": "import_limit_mw" in site["grid"],
            "export": "export" in raw["series"], "negative price": min(raw["series"]["price"]) < 0,
            "battery": "battery" in site, "PV": "pv" in raw["series"], "gas": any(c["name"] == "gas" for c in site["carriers"]),
            "half-hour zone": raw["horizon"]["zone"] in ("Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
            "step and meter apart": raw["horizon"]["step_min"] % site["grid"]["metered_interval_min"] > 0
            and site["grid"]["metered_interval_min"] % raw["horizon"]["step_min"] > 0,
            "loss": any(s["loss_per_h"] for s in raw["stores"]), "order": any("amount_t" in d for d in raw["deliveries"]),
            "weekly": any("weekly" in d for d in raw["deliveries"]), "arrival": bool(raw["arrivals"]),
            "power by rate": any("power_by_rate" in p for p in processes), "in a row": len(processes) > 1,
        }  # fmt: skip
        count.update(name for name, has in told.items() if has)
    assert len(count) == 25
    assert min(count.values()) >= 5, count.most_common()[-3:]
