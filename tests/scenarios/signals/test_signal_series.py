"""A scenario that names a public signal: the last issue is used, without network."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from commands import emberline, refused

from emberline.scenarios import load
from emberline.scenarios.loading.issued_forecasts import forecast_at
from emberline.scenarios.reading.series import resolve
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series
from emberline.scenarios.signals.catalogue import signal
from emberline.scenarios.signals.issues import Issue, keep, newest_values, stored

PRICE = "smard/price/DE-LU"
SHOP = "melt-shop-small"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))


def issue(
    start: datetime, values: list[float], issued: datetime, *, name: str = PRICE, seconds: int = 3600,
    estimated: bool = False,
) -> int:  # fmt: skip
    n = len(values)
    starts = int(start.timestamp()) + seconds * np.arange(n)
    lengths, marks = np.full(n, seconds), np.full(n, estimated)
    return keep(signal(name), Issue(issued, "CC BY 4.0", starts, lengths, np.array(values, dtype=float), marks))


def priced(*changes: str) -> tuple[str, ...]:
    return ("check", SHOP, "--set", f"market.price_per_mwh={{signal: {PRICE}}}", *changes)


def test_the_last_issue_is_used_and_its_age_reported() -> None:
    """Proves: a scenario takes a signal's last issue, says when it was issued and how old it is, and what of it is
    estimated. Sensitivity: a request to the publisher while a scenario is loaded."""
    horizon = load(SHOP).horizon
    hours = int(np.ceil((horizon.end_utc - horizon.start_utc) / timedelta(hours=1)))
    issued = datetime.now(UTC) - timedelta(days=3, minutes=5)
    issue(horizon.start_utc, [50.0 + i for i in range(hours)], issued, estimated=True)
    issue(horizon.start_utc, [90.0], issued)
    report = emberline(*priced())
    assert report.returncode == 0, report.stderr
    at = issued.strftime("%Y-%m-%dT%H:%M")
    assert f"series price_per_mwh: 51 to 90 EUR/MWh, from signal {PRICE}, issued {at}" in report.stdout
    assert f"{hours - 1} values estimated, CC BY 4.0" in report.stdout
    assert f"signal {PRICE}: the last issue stays in use: {at}Z, 3 days old" in report.stdout
    case = load(SHOP, [f"market.price_per_mwh={{signal: {PRICE}}}"])
    assert case.inputs["price_per_mwh"].to_numpy()[0] == 90.0


def test_mistakes_are_one_line() -> None:
    """Proves: an unknown signal, one that was not fetched, one that does not cover the horizon, another currency, and
    keys of files are one line each. Sensitivity: a stack trace, or a price of another time."""
    line = emberline(*priced())
    refused(line, f"signal {PRICE} has not been fetched yet; fetch it: emberline signals fetch {PRICE}")
    issue(load(SHOP).horizon.start_utc + timedelta(days=40), [1.0], datetime.now(UTC))
    refused(emberline(*priced()), f"signal {PRICE}: covers")
    for name, sentence in (
        ("smart/price/DE", "unknown source 'smart'"),
        ("smard/prize/DE", "unknown quantity 'prize'"),
        ("smard/price/../x", "is not a signal"),
        ("smard/price/..", "is not a zone"),
        ("price", "write SOURCE/QUANTITY/ZONE"),
    ):
        refused(emberline("check", SHOP, "--set", f"market.price_per_mwh={{signal: {name}}}"), sentence)
    text = f"market.price_per_mwh={{signal: {PRICE}, column: x}}"
    refused(emberline("check", SHOP, "--set", text), "leave out column")
    refused(emberline("signals", "fetch", "smart/price/DE"), "unknown source 'smart'")
    refused(emberline("signals", "fetch", PRICE, "--from", "2026-06-02", "--to", "2026-06-01"), "must be after --from")


def test_a_forecast_is_a_signal_as_it_was_issued() -> None:
    """Proves: planning as time goes on knows of a signal what was issued by then. Sensitivity: the newest values."""
    horizon = Horizon.model_validate({"start": "2026-06-19T00:00Z", "length_h": 2, "step_min": 30, "zone": "UTC"})
    start = horizon.start_utc
    name = "neso/intensity/GB"
    issue(start, [100, 100, 100, 100], start - timedelta(hours=5), name=name, seconds=1800, estimated=True)
    issue(start, [200, 200, 200, 200], start - timedelta(hours=1), name=name, seconds=1800, estimated=True)
    series = Series.model_validate({"signal": name, "forecast": {"signal": name}})
    early, late = (
        forecast_at(series, horizon, "kg/MWh", Path(), start - timedelta(hours=hours)) for hours in (2, 1)
    )  # fmt: skip
    assert (early.values.tolist(), late.values.tolist()) == ([100.0] * 4, [200.0] * 4)
    assert early.source == "neso/intensity/GB, issued 2026-06-18T19:00Z"


def test_hours_and_quarter_hours_of_one_signal() -> None:
    """Proves: intervals of several lengths are divided into the shortest, the newest issue counts. Sensitivity: hours
    lie over quarter-hours that came later."""
    start, at = datetime(2026, 6, 19, tzinfo=UTC), datetime(2026, 6, 18, tzinfo=UTC)
    issue(start, [10, 20], at)
    issue(start, [1, 2], at + timedelta(hours=1), seconds=900)
    newest = newest_values(signal(PRICE))
    assert newest.values.tolist() == [1, 2, 10, 10, 20, 20, 20, 20]
    assert [str(one) for one in stored()] == [PRICE]


def test_a_rate_of_exchange_is_stated() -> None:
    """Proves: a price in another currency is taken with its unit and rate only. Sensitivity: euros as pounds."""
    horizon = Horizon.model_validate({"start": "2026-06-19T00:00Z", "length_h": 2, "step_min": 30, "zone": "UTC"})
    issue(horizon.start_utc, [100.0] * 2, datetime.now(UTC))

    def values(into: str, **keys: str | float) -> list[float]:
        return resolve(Series.model_validate({"signal": PRICE, **keys}), horizon, into, Path()).values.tolist()

    assert values("EUR/MWh", scale=2) == [200.0] * 4
    assert values("GBP/MWh", unit="GBP/MWh", scale=0.85) == [85.0] * 4
    with pytest.raises(ValueError, match="there are no exchange rates"):
        values("GBP/MWh")
    with pytest.raises(ValueError, match="is in EUR/MWh; leave unit out"):
        values("EUR/MWh", unit="EUR/kWh")
    with pytest.raises(ValueError, match="is in EUR/MWh, and is read in kg/MWh"):
        values("kg/MWh")


def test_commands_list_and_export(tmp_path: Path) -> None:
    """Proves: the list shows age and licence, the export holds every issue, no network leaves the last issue in use.
    Sensitivity: only the newest values are exported; exit code 0 where nothing came."""
    start = datetime(2026, 6, 19, tzinfo=UTC)
    assert "no signal has been fetched yet" in emberline("signals").stdout
    issue(start, [10, 20], start)
    issue(start, [11, 20], start + timedelta(hours=1))
    (row,) = json.loads(emberline("signals", "--json").stdout)
    assert (row["signal"], row["unit"], row["licence"]) == (PRICE, "EUR/MWh", "CC BY 4.0")
    assert (row["from"], row["to"], row["issued"]) == ("2026-06-19T00:00Z", "2026-06-19T02:00Z", "2026-06-19T01:00Z")
    file = tmp_path / "prices.csv"
    assert emberline("signals", "export", PRICE, "-o", str(file)).returncode == 0
    assert file.read_text().splitlines() == [
        "issued_utc,time_utc,seconds,value,estimated,licence",
        "2026-06-19T00:00:00Z,2026-06-19T00:00:00Z,3600,10.0,False,CC BY 4.0",
        "2026-06-19T00:00:00Z,2026-06-19T01:00:00Z,3600,20.0,False,CC BY 4.0",
        "2026-06-19T01:00:00Z,2026-06-19T00:00:00Z,3600,11.0,False,CC BY 4.0",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERLINE_SMARD_URL", "ftp://nowhere")
        line = emberline("signals", "fetch", PRICE)
    assert line.returncode == 1
    assert "the last issue stays in use: 2026-06-19T01:00Z" in line.stderr
