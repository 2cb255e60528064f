"""Templates of plants: they load, say where their figures are from, and take a meter's file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from emberline.scenarios import ScenarioError, loads
from emberline.scenarios.importing.meter_file import by_meter, last_days, load_of
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.remarks import remarks
from emberline.scenarios.reading.series import typical
from emberline.scenarios.templates.plants import EMPTY, METER, TEMPLATES, start, summary, template

BERLIN = "Europe/Berlin"


def meter(days: float, first: datetime = datetime(2026, 10, 4, 22, tzinfo=UTC)) -> bytes:
    """A file of quarter-hours in kW with times in UTC; 1000 kW and 10 more each hour of the day."""
    times = [first + timedelta(minutes=15 * i) for i in range(round(days * 96))]
    rows = [f"{at:%Y-%m-%dT%H:%M}Z,{1000 + 10 * at.hour}" for at in times]
    return "\n".join(["time,load [kW]", *rows]).encode()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_scenario_of_its_own_name(name: str) -> None:
    """Proves: each loads under another name and title, with its comments. Sensitivity: one that does not load."""
    text = start(name, "mine", "Mine")
    scenario = loads(text)
    assert (scenario.name, scenario.title) == ("mine", "Mine")
    assert remarks(text) == remarks(template(name))
    assert all(summary(name))


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != EMPTY])
def test_figures_of_a_template_say_where_they_are_from(name: str) -> None:
    """Proves: units, grades, stores, processes, deliveries, assets and prices each have a comment above them or above
    the list that holds them. Sensitivity: one comment deleted."""
    data, comments = parse(template(name)).data, remarks(template(name))

    def said(*path: str | int) -> bool:
        return any(path[:n] in comments for n in range(1, len(path) + 1)) or any(
            place[: len(path)] == path for place in comments
        )

    line, site = data.get("line", {}), data["site"]
    places: list[tuple[str | int, ...]] = [("site", key) for key in site if key not in ("carriers", "assets")]
    places += [("site", "assets", i) for i, _ in enumerate(site.get("assets", ()))]
    places += [("line", "stages", i, "units") for i, _ in enumerate(line.get("stages", ()))]
    places += [("line", key) for key in ("grades", "heat_loss") if key in line]
    places += [(key,) for key in ("orders", "stores", "deliveries", "arrivals", "disturbances") if key in data]
    places += [("processes", i) for i, _ in enumerate(data.get("processes", ()))]
    places += [("market", key) for key in data["market"] if key != "currency"]
    missing = [place for place in places if not said(*place)]
    assert missing in ([], [("market", "marginal_carbon_intensity_kg_per_mwh")])


def test_real_weeks_keep_their_weekdays() -> None:
    """Proves: a week's table has its own Sunday, a table of typical days repeats one day."""
    week, day = (typical(name)["price_eur_per_mwh"] for name in ("de_weeks_2018", "de_typical_2018"))
    assert week.shape == day.shape == (12, 7, 24)
    assert (week[5, 6] != week[5, 2]).any()
    assert (day[5, 6] == day[5, 2]).all()
    assert week.min() < 0  # as prices of real hours are


def test_a_meter_makes_base_load_and_horizon() -> None:
    """Proves: the plan is over the last whole local days of the file, at its powers. Sensitivity: UTC days,
    or one that begins before the file."""
    series = load_of(meter(9.5), "meter.csv", BERLIN)
    assert last_days(series, BERLIN, 7) == {"start": "2026-10-07", "zone": BERLIN, "days": 7}
    assert last_days(series, BERLIN, 20) == {"start": "2026-10-05", "zone": BERLIN, "days": 9}
    data = parse(by_meter(start(METER, "mine"), series, "files/load.csv", BERLIN)).data
    assert data["site"]["base_load_mw"]["csv"] == "files/load.csv"
    assert data["horizon"] == {"start": "2026-10-07", "zone": BERLIN, "days": 7, "step_min": 15}
    assert series.values.max() == pytest.approx(1.23)


def test_less_than_a_day_is_refused() -> None:
    """Proves: a file without a whole local day is refused with its span."""
    series = load_of(meter(1.5, datetime(2026, 10, 5, 4, tzinfo=UTC)), "meter.csv", BERLIN)
    with pytest.raises(ScenarioError, match="covers no whole day of Europe/Berlin"):
        last_days(series, BERLIN, 1)
    with pytest.raises(ScenarioError, match="unknown time zone"):
        load_of(meter(1), "meter.csv", "Berlin")
