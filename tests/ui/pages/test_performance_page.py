"""The page Performance: a planted drift raises the alarm, mistakes are lines of text."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from emberline.reports.performance import read_content
    from emberline.ui.pages import performance
    from emberline.ui.pages.session import session

    session.begin()
    content = st.session_state.get("content")
    if content is None:
        performance.page()
    else:
        try:
            performance.show([read_content(content, "energy.csv")], "energy.csv")
        except ValueError as error:
            st.warning(str(error))


def table() -> bytes:
    """Two years by month, 4 % more energy from July of the second."""
    rng, rows = np.random.default_rng(5), ["month,mwh,tonnes,furnace_mwh,fans_mwh"]
    for k in range(24):
        tonnes = rng.uniform(8000, 12000)
        mwh = (2000 + 0.5 * tonnes) * (1.04 if k >= 18 else 1.0) + rng.normal(0, 20)
        rows.append(f"{2025 + k // 12}-{k % 12 + 1:02},{mwh},{tonnes},{0.8 * mwh},{0.1 * mwh}")
    return "\n".join(rows).encode()


def test_a_drift_is_shown_with_its_alarm() -> None:
    """Proves: columns are chosen, the alarm names July or August, the indicator is above 1; an invalid baseline is
    refused by its rule. Sensitivity: a page that shows nothing of the rate of false alarms."""
    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["content"] = table()
    app.run()
    assert not app.exception
    assert "Choose the column" in app.info[-1].value
    app.multiselect(key="performance.production").select("tonnes").run()
    assert not app.exception
    assert app.warning[0].value.startswith(("Alarm in 2026-07", "Alarm in 2026-08"))
    assert "3" in app.warning[0].value
    assert float(app.metric[0].value) > 1.01
    app.multiselect(key="performance.uses").select("fans_mwh").select("furnace_mwh").run()
    assert not app.exception
    uses = app.dataframe[-1].value
    assert uses["use"].tolist() == ["furnace_mwh", "fans_mwh"]
    assert uses["significant"].tolist() == ["yes", ""]
    app.text_input(key="performance.report.2026").set_value("2031").run()
    assert "there are no rows from 2031-01-01" in app.warning[0].value


def test_the_page_asks_for_a_file_first() -> None:
    """Proves: nothing but the request without a file. Sensitivity: an error on an empty page."""
    app = AppTest.from_function(script, default_timeout=60)
    app.run()
    assert not app.exception
    assert app.subheader[0].value == "Energy performance"
    assert not app.warning


def test_losses_by_cause_come_from_log_and_meter() -> None:
    """Proves: the page's files become a split whose causes add up, and the auditor's tables have it.

    Sensitivity: a meter read as the log, a table that lacks the causes."""
    import pandas as pd

    from emberline import twin
    from emberline.reports.compliance.monitoring import Period
    from emberline.scenarios import load
    from emberline.studies.calibration import twin_log
    from emberline.ui.pages import performance

    shop = load("melt-shop-small")
    days = 20
    log = twin_log(shop, replications=range(days), disturbed=False)
    run = twin.simulate(shop)
    start = pd.Timestamp(shop.horizon.start_utc)
    quarters = pd.date_range(start, periods=days * 96, freq="15min")
    power = np.resize(run["line_mw"].to_numpy()[:96], len(quarters)) + 1.5
    power[10 * 96 :] *= 1.05
    meter = pd.DataFrame({"time": quarters, "power_mw": power}).to_csv(index=False).encode()
    first = start.tz_convert(shop.horizon.zone).date()
    days_of = [[first + pd.Timedelta(days=day) for day in pair] for pair in ((1, 9), (10, 18))]
    spans = [Period.parse(f"{begin:%Y-%m-%d}..{end:%Y-%m-%d}") for begin, end in days_of]
    result = performance.split_of(
        "melt-shop-small", ("x.csv", log.to_csv(index=False).encode()), ("x.csv", meter), (spans[0], spans[1])
    )
    assert sum(result.split.by_cause.values()) == pytest.approx(result.split.deviation_mwh)
    assert result.rows[0][0] == "drift"


def test_the_alarm_keeps_its_place_in_time() -> None:
    """Proves: all layers of the chart have one order of periods, and a unit stands on its axis.

    Sensitivity: the period of the alarm drawn after the last one."""
    import pandas as pd

    from emberline.reports.charts import performance as charts
    from emberline.reports.performance.cusum import Cusum

    periods = [f"2026-{month:02}" for month in range(1, 6)]
    curve = pd.Series([-1.0, -2, -3, -4, -5], index=periods)
    chart = charts.sums(Cusum(curve, -curve, 1.5, 0.03), "MWh").to_dict()
    assert len(chart["layer"]) == 3
    assert [layer["encoding"]["x"]["sort"] for layer in chart["layer"]] == [periods] * 3
