"""Tariff and import limit in the dispatch of a load."""

from __future__ import annotations

import numpy as np
import pytest
from hubs import ENVELOPE, hub

from models import aim as aims
from models import site as sites
from models.dispatch import dispatch
from scenarios.tariff import Tariff

DEMAND = {"demand": [{"name": "peak", "rates": [{"per_mw": 1000.0}]}]}


def test_a_load_above_the_limit_has_flows_under_a_demand_charge() -> None:
    """Proves: 30 MWh in an hour against a limit of 20 MW are 10 MWh too much, and paid: 3,000 for energy, 30,000 for
    the peak. Sensitivity: a peak that the limit bounds leaves no flows at all, and the search no draft to go on from.
    """
    built = hub(price=[100.0, 100.0], grid={"import_limit_mw": 20, "metered_interval_min": 60})
    market = built.market.model_copy(update={"tariff": Tariff.model_validate(DEMAND, context={"currency": "EUR"})})
    battery = {"battery": {"energy_mwh": 0.5, "power_mw": 0.1}}
    site = type(built.site).model_validate({**built.site.model_dump(exclude_unset=True), **battery})
    asked = built.model_copy(update={"market": market, "site": site})
    data = sites.read(asked, ENVELOPE)
    aim = aims.read(asked, data, None, 0.0)
    flows = dispatch(data, np.array([30.0, 0.0]), aim.expression, over_price=aim.over_price(data))
    assert flows is not None
    assert flows.over_mwh == pytest.approx(10.0, abs=0.11)
    assert flows.cost == pytest.approx(33_000, rel=5e-3)
