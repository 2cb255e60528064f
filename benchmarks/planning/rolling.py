"""Rolling through 8 to 21 November 2021 on real forecasts: regret against perfect foresight, gain against the baseline.

The works' hub (``works-hub-year``: battery, heat and hydrogen store, power plant, boilers, PV) whose power plant is
switched here. Carbon is forecast for 96 h every day; day-ahead prices are known at 13:00 local time for the whole next
day, beyond that the hour of a week before stands for them. Base load, heat and PV are known. Needs the shared folder of
real series: EMBERLINE_SHARED, or ``shared`` next to the checkout.
"""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.instruments.quiet import quiet
from benchmarks.planning.days import MISSING, shared
from benchmarks.registry import bench
from benchmarks.reporting.findings import Findings, Row, Table, measured
from emberline.scenarios import Case, load
from emberline.studies.rolling import Comparison, Difference, How, compare

START, DAYS = "2021-11-08", 14
EVERY_MIN, OTHERS_MIN = 60.0, (360.0, 1440.0)
GOALS = {"carbon": (), "cost": ("goal.minimize=cost_with_carbon_price", "market.carbon_price.covers=all")}
SWITCHED = {"min_load": "40 %", "min_up_h": "4 h", "min_down_h": "3 h", "start_cost": "500 EUR"}


def hub_days(folder: Path, target: Path, days: int = DAYS, more: Sequence[str] = ()) -> Case:
    """The works' hub on real prices, intensities and forecasts.

    Args:
        folder: the shared folder.
        target: where a file with what came true is written, each hour once.
        days: of the roll.
        more: further overrides.
    """
    table = (folder / "data" / "de_2021h2_carbon_forecast_96h.csv.gz").resolve()
    real = target / "actual.csv"
    with gzip.open(table, "rt", encoding="utf-8") as rows:
        values = {row["target_time_utc"]: row["actual_kg_per_mwh"] for row in csv.DictReader(rows)}
    text = "".join(f"{time},{kg}\n" for time, kg in sorted(values.items()))
    real.write_text("time,kg_per_mwh\n" + text, encoding="utf-8")
    forecast = f"{{csv: '{table}', issued: issue_day, valid: target_time_utc, zone: UTC, column: forecast_kg_per_mwh}}"
    prices = (folder / "data" / "de_2021h2_price_hourly.csv").resolve()
    price = f"csv: '{prices}', column: price_eur_per_mwh, forecast: {{published: '13:00'}}"
    plant = next(i for i, asset in enumerate(load("works-hub-year").site.assets) if asset.name == "power plant")
    return load(
        "works-hub-year",
        [
            f"horizon.start={START}",
            f"horizon.days={days}",
            f"market.price_per_mwh={{{price}}}",
            f"market.export_price_per_mwh={{{price}, scale: 0.9}}",
            f"market.carbon_intensity_kg_per_mwh={{csv: '{real}', time: time, zone: UTC, column: kg_per_mwh, "
            f"forecast: {forecast}}}",
            "market.marginal_carbon_intensity_kg_per_mwh=null",
            *(f"site.assets.{plant}.{key}={value}" for key, value in SWITCHED.items()),
            "goal.gap=0.1 %",
            "goal.effort=20",
            *more,
        ],
    )


def rows(name: str, comparison: Comparison) -> list[Row]:
    """A roll and what it is measured by, in % of the other side."""
    rolled, items = comparison.rolled, []

    def row(what: str, difference: Difference | None, sentence: str = "") -> None:
        if difference is None:
            return
        percent = 100 * difference.share / difference.total if difference.total else 0.0
        ends = difference.interval or (difference.total, difference.total)
        text = f"90 %: {ends[0] * percent:.2f} to {ends[1] * percent:.2f} %" if difference.interval else ""
        items.append(
            measured(f"{name}: {what}", [100 * difference.share], "%", says="; ".join(filter(None, (text, sentence))))
        )

    row("gain against the baseline", comparison.gain)
    best = comparison.perfect
    row("regret against perfect foresight", comparison.regret(), f"that plan: {best.status}, gap {best.gap or 0:.2%}")
    row("of it not knowing: against the same steps with foresight", comparison.not_knowing)
    for other, more in comparison.less_often():
        row(f"planned every {other.how.every_min / 60:g} h: more than every {rolled.how.every_min / 60:g} h", more)
    total = sum(step.adopted for step in rolled.steps)
    result = "holds" if not rolled.violations else f"{len(rolled.violations)} violations"
    sentence = f"{len(rolled.steps)} plans, {total} laid in, {rolled.unplanned} not found; {result}"
    items.append(measured(f"{name}: seconds for a plan", [step.seconds for step in rolled.steps], says=sentence))
    return items


def study(days: int, every_min: float = EVERY_MIN, others_min: Sequence[float] = OTHERS_MIN) -> Findings | None:
    """Roll by both goals; None without the shared folder."""
    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    items: list[Row] = []
    for name, more in GOALS.items():
        with tempfile.TemporaryDirectory() as part:
            scenario = hub_days(folder, Path(part), days, more)
            with quiet():
                result = compare(scenario, How(every_min=every_min), others_min)
        items += rows(name, result)
        regret = result.regret()
        text = "not known" if regret is None else f"{100 * regret.share:.2f} %"
        print(f"  {name}: regret {text}", flush=True)
    title = f"The works' hub from {START}, {days} days, planned every {every_min / 60:g} h, 48 h and more ahead"
    return Findings([Table(title, items)])


@bench("rolling", "a works' hub on real forecasts, 3 days, planned every 6 h: regret and gain")
def main() -> Findings | None:
    """Three days."""
    return study(3, 360.0, (1440.0,))


@bench("rolling-weeks", "the same from 8 to 21 November 2021, planned every hour", long=True)
def long() -> Findings | None:
    """Two weeks."""
    return study(DAYS)
