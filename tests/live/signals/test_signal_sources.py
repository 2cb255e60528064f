"""Public signals against a local server that plays the shapes of the publishers, with their traps."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from publishers import Answer, Clock, publisher

from emberline.live.signals import Result, SourceError, Span, fetch
from emberline.live.signals.polite import Limiter
from emberline.scenarios.signals.catalogue import signal
from emberline.scenarios.signals.issues import issued, newest_values, table

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)
DAY = Span(datetime(2026, 6, 18, 22, tzinfo=UTC), datetime(2026, 6, 19, 22, tzinfo=UTC))
ACCOUNTS = {
    "EMBERLINE_ENTSOE_TOKEN": "a secret token",
    "EMBERLINE_ELECTRICITYMAPS_TOKEN": "token",
    "EMBERLINE_WATTTIME_USER": "user",
    "EMBERLINE_WATTTIME_PASSWORD": "password",
}
A44 = """<?xml version="1.0" encoding="utf-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">
<createdDateTime>{created}</createdDateTime>{series}</Publication_MarketDocument>"""
SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))


def get(name: str, url: str, span: Span = DAY, clock: Clock | None = None) -> Result:
    clock = clock or Clock(NOW.timestamp())
    mirror = f"EMBERLINE_{name.split('/')[0].replace('-', '').upper()}_URL"
    return fetch(signal(name), span, clock=clock, sleep=clock.sleep, environment={**ACCOUNTS, mirror: url})


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def series(
    points: dict[int, float], start: datetime = DAY.start, end: datetime = DAY.end, *,
    resolution: str = "PT60M", curve: str = "A03", sequence: str = "1", money: str = "EUR",
) -> str:  # fmt: skip
    place = f"<{SEQUENCE}>{sequence}</{SEQUENCE}>" if sequence else ""
    rows = "".join(
        f"<Point><position>{p}</position><price.amount>{v}</price.amount></Point>" for p, v in points.items()
    )
    return (
        f"<TimeSeries>{place}<currency_Unit.name>{money}</currency_Unit.name>"
        f"<price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>{curve}</curveType><Period><timeInterval>"
        f"<start>{stamp(start)}</start><end>{stamp(end)}</end></timeInterval><resolution>{resolution}</resolution>"
        f"{rows}</Period></TimeSeries>"
    )


def document(*parts: str, created: str = "2026-06-18T11:00:00Z") -> str:
    return A44.format(created=created, series="".join(parts))


def entsoe(text: str, span: Span = DAY) -> Result:
    with publisher(lambda path, query: text) as play:
        return get("entsoe/price/DE-LU", play.url, span)


@pytest.mark.parametrize(("curve", "count", "third"), [("A03", 24, 20.0), ("A01", 3, None)])
def test_a_missing_position_repeats_the_value_before_it(curve: str, count: int, third: float | None) -> None:
    """Proves: with curve A03 a gap repeats the last price to the end of the day, with A01 it is a gap. Sensitivity:
    positions read as a list."""
    result = entsoe(document(series({1: 10, 2: 20, 5: 50}, curve=curve)))
    newest = newest_values(signal("entsoe/price/DE-LU"))
    prices = dict(zip(((newest.starts - newest.starts[0]) // 3600).tolist(), newest.values.tolist(), strict=True))
    assert result.values == len(prices) == count
    assert prices.get(2) == third
    assert prices[4] == 50
    assert newest.issued == datetime(2026, 6, 18, 11, tzinfo=UTC)


def test_of_two_auctions_the_common_one_counts() -> None:
    """Proves: sequence 2 never counts, a series without sequence stands in where 1 has none, and quarter-hours lie
    over hours. Sensitivity: the last series of the document wins."""
    half = DAY.start + timedelta(hours=12)
    parts = [
        series({1: 1}, end=half),
        series({1: 777}, sequence="2"),
        series({1: 5}, sequence=""),
        series({1: 3}, DAY.start, DAY.start + timedelta(hours=1), resolution="PT15M"),
    ]
    for order in (parts, parts[::-1]):
        result = entsoe(document(*order))
        newest = newest_values(signal("entsoe/price/DE-LU"))
        assert newest.seconds == 900
        assert newest.values.tolist() == [3.0] * 4 + [1.0] * 44 + [5.0] * 48
        assert result.remarks == ("auction sequence 2 is left out; 1 is the common auction",)


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_days_on_which_clocks_change(day: date, quarters: int) -> None:
    """Proves: such a day has 92 or 100 quarter-hours, even ones. Sensitivity: 96 positions taken for granted."""
    days = (day, day + timedelta(days=1))
    start, end = (datetime(at.year, at.month, at.day, tzinfo=BERLIN).astimezone(UTC) for at in days)
    points = {p: float(p) for p in range(1, quarters + 1)}
    assert entsoe(document(series(points, start, end, resolution="PT15M")), Span(start, end)).values == quarters
    newest = newest_values(signal("entsoe/price/DE-LU"))
    assert newest.values.tolist() == [float(p) for p in range(1, quarters + 1)]
    assert set(np.diff(newest.starts)) == {900}
    assert newest.starts[0] == start.timestamp()
    # one position more than the day has is no price of it
    with pytest.raises(SourceError, match="do not fit the period"):
        entsoe(document(series({quarters + 1: 1.0}, start, end, resolution="PT15M")), Span(start, end))


def test_zeros_of_days_to_come_are_no_prices() -> None:
    """Proves: a last day of zeros only is not published yet; zeros within a day are prices. Sensitivity: free power
    for tomorrow."""
    tomorrow = Span(DAY.start, DAY.end + timedelta(days=1))
    text = document(series({1: 10, 2: 0}), series({1: 0}, DAY.end, tomorrow.end))
    result = entsoe(text, tomorrow)
    assert result.values == 24
    assert result.remarks == ("2026-06-20 holds nothing but zeros: not published yet, left out",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (document(series({1: 10}))[:-60], "is cut off"),
        (document(series({1: 10}, money="PLN")), "prices are in PLN/MWH, not in EUR/MWh"),
        (document(series({1: 10}, resolution="PT7M")), "resolution 'PT7M'"),
        (document(series({1: 1e6})), "1e+06 EUR/MWh at 2026-06-18T22:00Z lies outside -100000 to 100000"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "entities"),
        ("<html><body>maintenance</body></html>", "no price document but html"),
        (document(series({1: float("nan")})), "no number"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(text: str, sentence: str) -> None:
    """Proves: an answer that is cut off, in another unit or out of range changes nothing that is kept. Sensitivity: the
    part that could be read is kept."""
    entsoe(document(series({1: 42})))
    with pytest.raises(SourceError, match=sentence.replace("(", r"\(").replace("+", r"\+")) as error:
        entsoe(text)
    assert "\n" not in str(error.value)
    assert set(newest_values(signal("entsoe/price/DE-LU")).values) == {42.0}


def test_smard_files_of_weeks() -> None:
    """Proves: weeks begin by the local clock, next week's file may lack, nulls at the end are no values, energies of a
    quarter-hour become powers. Sensitivity: only the newest file is read; MWh taken for MW."""
    this = int(datetime(2026, 6, 15, tzinfo=BERLIN).timestamp() * 1000)
    week = this + 7 * 86_400_000
    rows = [[this + i * 900_000, 250.0 if i < 400 else None] for i in range(672)]

    def answer(path: str, query: dict[str, str]) -> str | Answer:
        assert path.startswith("/app/chart_data/410/DE/")
        if path.endswith("index_quarterhour.json"):
            return json.dumps({"timestamps": [this - 7 * 86_400_000, this, week]})
        if path.endswith(f"_{this}.json"):
            return json.dumps({"meta_data": {"version": 1, "created": this + 86_400_000}, "series": rows})
        return 404, "", {}

    with publisher(answer) as play:
        result = get("smard/load/DE", play.url, Span(DAY.start, DAY.start + timedelta(days=5)))
    newest = newest_values(signal("smard/load/DE"))
    assert result.values == len(newest.values) == 400 - 4 * 96
    assert set(newest.values) == {1000.0}
    assert len(play.requests) == 3


def test_energy_charts_states_its_licence() -> None:
    """Proves: the licence of the answer is kept with each value; a null is no value. Sensitivity: one licence for the
    whole source."""
    seconds = [int(DAY.start.timestamp()) + 900 * i for i in range(4)]
    answer = {
        "license_info": "private use only",
        "unix_seconds": seconds,
        "price": [1, None, 3, 1e-11],
        "unit": "EUR / MWh",
    }
    with publisher(lambda path, query: json.dumps(answer)) as play:
        get("energy-charts/price/DE-LU", play.url)
    assert play.requests[0][1]["bzn"] == "DE-LU"
    frame = table(signal("energy-charts/price/DE-LU"))
    assert frame["value"].tolist() == [1.0, 3.0, 0.0]
    assert set(frame["licence"]) == {"private use only"}
    assert set(frame["seconds"]) == {900}


def test_estimated_values_are_marked() -> None:
    """Proves: what Electricity Maps estimates or forecasts is marked, and an account without forecast is no error.
    Sensitivity: isEstimated is left out."""
    items = [
        {"carbonIntensity": 300 + i, "datetime": f"2026-06-20T{8 + i:02d}:00:00.000Z", "isEstimated": i == 3,
         "updatedAt": "2026-06-20T11:50:00.000Z", "estimationMethod": None}
        for i in range(4)
    ]  # fmt: skip

    def answer(path: str, query: dict[str, str]) -> str | Answer:
        return json.dumps({"zone": "DE", "history": items}) if path.endswith("history") else (401, "{}", {})

    with publisher(answer) as play:
        span = Span(NOW - timedelta(hours=4), NOW + timedelta(hours=4))
        result = get("electricity-maps/intensity/DE", play.url, span)
    assert {name.lower(): value for name, value in play.headers[0].items()}["auth-token"] == "token"
    newest = newest_values(signal("electricity-maps/intensity/DE"))
    assert newest.values.tolist() == [300.0, 301.0, 302.0, 303.0]
    assert newest.estimated.tolist() == [False, False, False, True]
    assert result.remarks == ("this account has no forecast",)


def test_forecasts_that_are_overwritten_are_kept_as_issued() -> None:
    """Proves: each forecast and the actual value are kept with their time of issue; an issue without news adds no
    value, but counts as newer. Sensitivity: the newest value replaces those before."""
    intensity: dict[str, Any] = {"forecast": 200, "actual": None, "index": "high"}

    def answer(path: str, query: dict[str, str]) -> str:
        assert path == "/intensity/2026-06-18T22:00Z/2026-06-19T22:00Z"
        return json.dumps({"data": [{"from": "2026-06-19T00:00Z", "to": "2026-06-19T00:30Z", "intensity": intensity}]})

    name = signal("neso/intensity/GB")
    clock = Clock(NOW.timestamp())
    with publisher(answer) as play:
        news = [get(str(name), play.url, clock=clock).news]
        for change in ({"forecast": 210}, {}, {"actual": 190}):
            clock.now += 3600
            intensity |= change
            news.append(get(str(name), play.url, clock=clock).news)
    assert news == [1, 1, 0, 1]
    at, starts, values = issued(name)
    assert ((at - at[0]) // 3600).tolist() == [0, 1, 3]
    assert values.tolist() == [200.0, 210.0, 190.0]
    assert len(set(starts)) == 1
    assert newest_values(name).estimated.tolist() == [False]
    assert newest_values(name, NOW + timedelta(hours=2)).values.tolist() == [210.0]
    assert newest_values(name, NOW + timedelta(hours=2)).estimated.tolist() == [True]


def test_pounds_become_kilograms() -> None:
    """Proves: WattTime's lb/MWh become kg/MWh after a login; another unit is refused. Sensitivity: 1000 lb as kg."""
    units = "lbs_co2_per_mwh"

    def answer(path: str, query: dict[str, str]) -> str:
        if path == "/login":
            return json.dumps({"token": "pass"})
        data = [
            {"point_time": "2026-06-19T00:00:00+00:00", "value": 1000.0},
            {"point_time": "2026-06-19T00:05:00+00:00", "value": 0},
        ]
        return json.dumps({"data": data, "meta": {"region": query["region"], "units": units}})

    with publisher(answer) as play:
        get("watttime/marginal/CAISO_NORTH", play.url)
        assert newest_values(signal("watttime/marginal/CAISO_NORTH")).values.tolist() == [453.59237, 0.0]
        assert play.headers[1]["Authorization"] == "Bearer pass"
        units = "percent"
        with pytest.raises(SourceError, match="values are in 'percent'"):
            get("watttime/marginal/CAISO_NORTH", play.url)


def test_a_ban_is_honoured_by_all() -> None:
    """Proves: after 429 nothing is requested until the ban is over, by a second process either; the token is in no
    message. Sensitivity: requests go on during the ban, which prolongs it."""
    answers: list[str | Answer] = [(429, "", {}), document(series({1: 7}))]
    clock = Clock(NOW.timestamp())
    with publisher(lambda path, query: answers[min(len(play.requests) - 1, 1)]) as play:
        messages = []
        for seconds in (0, 1, 597, 3):
            clock.now += seconds
            try:
                get("entsoe/price/DE-LU", play.url, clock=clock)
            except SourceError as error:
                messages.append(str(error))
    assert len(play.requests) == 2
    assert messages == [
        "ENTSO-E Transparency Platform: too many requests (429); nothing is requested for 600 s",
        *["ENTSO-E Transparency Platform asked us to stay away until 2026-06-20T12:10Z; nothing was requested"] * 2,
    ]
    assert play.requests[0][1]["securityToken"] == "a secret token"


def test_never_more_requests_in_a_minute_than_allowed(tmp_path: Path) -> None:
    """Proves: in any minute at most 400 requests go to ENTSO-E, however many processes of an account want more.
    Sensitivity: a limit by calendar minutes, which lets twice as many through."""
    assert signal("entsoe/price/DE-LU").publisher.per_minute <= 400
    clock, times, allowed = Clock(NOW.timestamp()), [], 30
    processes = [Limiter(tmp_path / "requests.json", allowed, clock, clock.sleep) for _ in range(2)]
    for number in range(75):
        clock.now += 0.1
        processes[number % 2].wait("ENTSO-E")
        times.append(clock.now)
    assert max(sum(at - 60 < other <= at for other in times) for at in times) == allowed
    assert times[-1] - times[0] == pytest.approx(120, abs=10)


@pytest.mark.parametrize("busy", [1, 9])
def test_a_busy_source_is_tried_again_a_little_later(busy: int) -> None:
    """Proves: 503 is tried again after a pause, three times at most; then it is one line. Sensitivity: no pause."""
    clock = Clock(NOW.timestamp())

    def answer(path: str, query: dict[str, str]) -> str | Answer:
        return (503, "", {}) if len(play.requests) <= busy else document(series({1: 1}))

    with publisher(answer) as play:
        if busy == 1:
            assert get("entsoe/price/DE-LU", play.url, clock=clock).values == 24
            assert clock.naps == [1.0]
        else:
            with pytest.raises(SourceError, match=r"answers with an error \(503\)"):
                get("entsoe/price/DE-LU", play.url, clock=clock)
            assert clock.naps == [1.0, 4.0]


def test_an_account_is_needed_where_the_source_wants_one() -> None:
    """Proves: nothing is requested without a token, and the variable is named. Sensitivity: an error of the server."""
    with pytest.raises(SourceError, match="needs an account; set EMBERLINE_ENTSOE_TOKEN"):
        fetch(signal("entsoe/price/DE-LU"), DAY, environment={})
