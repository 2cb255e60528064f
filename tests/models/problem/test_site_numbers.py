"""The site as numbers by slot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shops import cast, melt_shop, scenario

from emberline import twin
from emberline.models.problem import site as sites


def test_no_slot_imports_more_than_all_that_draws_can_take() -> None:
    """Proves: in half an hour a line that draws 20 MWh at most, a base load of 3 MW and a battery of 2 MW import 22.5
    MWh; the limit of 40 MW counts only where a slot has a metered interval to itself.

    Sensitivity: 10,000 MW where slots share an interval, with which a relaxation imports and exports at once."""
    site = {
        "grid": {"metered_interval_min": 60, "import_limit_mw": 40.0, "export_limit_mw": 5.0}, "base_load_mw": 3.0,
        "battery": {"energy_mwh": 4.0, "power_mw": 2.0},
    }  # fmt: skip
    built = scenario(
        melt_shop(), [cast("A", 1)], site=site, horizon={"start": "2026-03-10", "length_h": 12, "step_min": 30}
    )
    data = sites.read(built, twin.envelope(built))
    line = replace(data, line_mwh=np.full(24, 20.0))
    assert line.most_import == pytest.approx(np.full(24, 22.5))
    assert replace(line, meter_min=30.0).most_import == pytest.approx(np.full(24, 20.0))
    assert data.most_import.min() > 1000
