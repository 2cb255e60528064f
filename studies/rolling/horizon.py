"""Settings of a rolling-horizon run: planning interval, look-ahead and frozen time, with their validation."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from emberline.planning import loop
from emberline.scenarios import Case, Problem, Scenario, ScenarioError, load
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.loading.issued_forecasts import uncertain
from emberline.scenarios.loading.loading import find
from emberline.scenarios.reading import document as yaml_document
from emberline.scenarios.reading.document import dotted
from emberline.scenarios.records.horizon import DAY, MINUTE, Horizon
from emberline.scenarios.records.instants import read_instant
from emberline.scenarios.records.replanning import Using


@dataclass(frozen=True)
class How:
    """Settings of a rolling-horizon run."""

    every_min: float = 60.0
    look_ahead_min: float = 48 * 60.0
    """Minimum look-ahead of each plan, which is extended to the end of the local day, at most to the end of the
    roll."""
    frozen_min: float = 0.0
    """Time after each planning during which the previous plan stays fixed; the new plan begins at its end."""
    keep_share: float = 0.001
    """Improvement, as a share of the goal, below which the previous plan is continued."""
    hold: bool = False
    """Whether plans keep margins, if the scenario asks for robust plans."""
    margins: Mapping[str, Any] | None = None
    """Keys of ``disturbances`` learnt by an earlier plan; None: they are learnt with the plan."""
    using: Using | None = None
    """Policy for one plan to the end; None: plans are searched again at each interval."""

    def of(self, scenario: Scenario) -> How:
        """Return the settings for a scenario: with a policy, one plan looks ahead to the end."""
        if self.using is None:
            return self
        length, replan = scenario.horizon.length_min, scenario.goal.replan
        every_min = replan.every_min if self.using is Using.REPLAN else length
        return replace(self, every_min=every_min, look_ahead_min=length)


def refuse(scenario: Case, how: How, *, disturbed: bool = False) -> None:
    """Reject a scenario that cannot be rolled, with one line for each problem.

    Args:
        scenario: scenario of the whole roll.
        how: settings of the roll.
        disturbed: whether line or processes are disturbed.

    Raises:
        ScenarioError: the scenario has features that cannot be rolled, or times do not match its grids.
    """
    problems = []
    if how.using is Using.REPLAN:
        loop.refuse(scenario)

    def say(key: str, text: str) -> None:
        problems.append(Problem(scenario.name, key, text))

    if scenario.market.imbalance is not None:
        say("market.imbalance", "is not supported yet, as a roll nominates nothing; leave it out")
    for place in _unanswered(scenario):
        text = "is a forecast whose errors cannot be balanced yet by the dispatch of a plan"
        say(place, f"{text}; among assets, only prices, wind, PV and electric loads may have one")
    if scenario.by_the_minute:
        say("goal.minimize", "lateness cannot be rolled; use carbon, cost or cost_with_carbon_price")
    if how.using is not None:
        if how.frozen_min:
            say("--frozen", "belongs to --policy search")
        series = uncertain(scenario)
        if how.using is Using.REPLAN and series:
            say("--policy", f"replan does not use forecasts yet, which {', '.join(series)} have; use search")
        how = replace(how.of(scenario), every_min=grid_of(scenario))
    grid, length = grid_of(scenario), scenario.horizon.length_min
    for key, minutes, least in (
        ("every", how.every_min, grid),
        ("look-ahead", how.look_ahead_min, grid),
        ("frozen", how.frozen_min, 0),
    ):
        if not minutes >= least or minutes % grid:
            allowed = f"a multiple of {grid:g} min, the step and the metered interval"
            say(f"--{key}", f"is {minutes:g} min; it must be {allowed}")
    if length % grid:
        say("--to", f"the roll of {length:g} min is not a whole number of {grid:g} min")
    if not problems and how.look_ahead_min < how.every_min + how.frozen_min:
        least_h = (how.every_min + how.frozen_min) / 60
        say("--look-ahead", f"is {how.look_ahead_min / 60:g} h; at least {least_h:g} h, until the next plan begins")
    if disturbed and how.frozen_min:
        text = "is not supported with a replication yet: the disturbances of the frozen time would be known in advance"
        say("--frozen", text)
    undue = [order.name for order in scenario.orders if order.due is None]
    if undue and how.look_ahead_min < length:
        text = f"is shorter than the roll of {length / 60:g} h, but orders without a due time"
        names = f"({', '.join(undue[:6])})"
        say("--look-ahead", f"{text} {names} are planned to its end: give them one, or extend the look-ahead")
    if problems:
        raise ScenarioError(problems)


def _unanswered(scenario: Scenario) -> Iterator[str]:
    """Yield forecasts whose errors neither the grid nor a supply can balance."""
    for _, path, series, _ in scenario.series():
        if series.forecast is None or path[:2] != ("site", "assets"):
            continue
        asset = scenario.site.assets[int(path[2])]
        # the grid balances forecast errors of electric loads, sources, PV and wind
        electric = asset.sign and set(asset.flows.values()) == {ELECTRICITY}
        if not (electric or path[-1] == "price_per_unit"):
            yield dotted((*path, "forecast"))


def grid_of(scenario: Scenario) -> int:
    """Smallest interval that is a multiple of the step and of the metered interval [min]."""
    return math.lcm(round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min))


def window_end(scenario: Scenario, how: How, now_min: float) -> float:
    """End of a plan made at a given time [min after the start]: the end of a local day, or of the roll."""
    horizon = scenario.horizon
    reach = min(now_min + how.look_ahead_min, horizon.length_min)
    grid = grid_of(scenario)
    local = horizon.instant(reach)
    day = local.date() if (local.hour, local.minute) == (0, 0) else local.date() + DAY
    midnight = horizon.minutes(datetime(day.year, day.month, day.day, tzinfo=horizon.tz))
    # clock changes may fall within an interval
    return min(math.ceil(midnight / grid) * grid, horizon.length_min)


def load_span(name: str, changes: Sequence[str], start: str | None, end: str | None) -> Case:
    """Load a scenario with another horizon.

    Args:
        name: path of a YAML file, or name of a bundled scenario.
        changes: overrides, as for ``scenarios.load``.
        start: date, or time with its offset; None: the scenario's own.
        end: date of the last day, or time with its offset; None: the scenario's own end if the start is also its own,
            else the start plus the length of its horizon.

    Raises:
        ScenarioError: the scenario is invalid; all problems are listed.
    """
    if start is None and end is None:
        return load(name, changes)
    path = find(name)
    document = yaml_document.read(path)
    for assignment in changes:
        if assignment.startswith("horizon"):
            yaml_document.override(document, assignment)
    raw = document.data.get("horizon")
    try:
        horizon = Horizon.model_validate(raw)
    except ValidationError:
        return load(name, changes)  # reports the problem
    first = horizon.start_utc if start is None else _moment("--from", start, horizon, last=False)
    if end is not None:
        over = _moment("--to", end, horizon, last=True)
    elif horizon.days is not None:
        day = first.astimezone(horizon.tz).replace(tzinfo=None) + horizon.days * DAY
        over = day.replace(tzinfo=horizon.tz)
    else:
        over = first + horizon.length_min * MINUTE
    hours = (over - first) / MINUTE / 60
    if hours <= 0:
        raise ScenarioError([Problem("--to", "", f"{end or over.isoformat()} does not lie after the beginning")])
    span = [f"horizon.start={first.isoformat()}", "horizon.days=null", f"horizon.length_h={hours!r}"]
    return load(name, [*changes, *span])


def _moment(option: str, text: str, horizon: Horizon, *, last: bool) -> datetime:
    """Parse an instant: for a date its beginning or, as a last day, its end, in the plant's zone."""
    entry: Any = text.strip()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry):
            day = date.fromisoformat(entry) + (DAY if last else 0 * DAY)
            return datetime(day.year, day.month, day.day, tzinfo=horizon.tz).astimezone(horizon.start_utc.tzinfo)
        return read_instant(entry)
    except ValueError as error:
        raise ScenarioError([Problem(option, "", f"{error}, or a date as 2024-03-12")]) from None
