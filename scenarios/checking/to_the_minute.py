"""Checks for goals and lines that can only be simulated: lateness, makespan, and sequence-dependent changeovers."""

from __future__ import annotations

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.records.base import Mistakes, Problem, ScenarioError
from emberline.scenarios.records.disturbances import Recourse


def refuse(scenario: Scenario, what: str = "") -> None:
    """Reject scenarios whose plan needs a resolution of one minute.

    Args:
        scenario: scenario to be planned.
        what: title of the plan; empty: name of the scenario.

    Raises:
        ScenarioError: the scenario can only be simulated; names the key to change.
    """
    if not scenario.by_the_minute:
        return
    line, place = scenario.line, "goal.minimize"
    text = f"no plan is made for {scenario.goal.minimize}; take carbon or cost, which keep due times as limits"
    if line.changeovers or line.takes:
        place = "line.changeovers" if line.changeovers else "line.grades"
        names = "changeovers" if line.changeovers else "grades that take carriers"
        text = f"no plan is made for a line with {names}, it is only simulated; leave them out to plan it"
    raise ScenarioError([Problem(what or scenario.name, place, text)])


def carriers(scenario: Scenario) -> Mistakes:
    """Find carriers consumed by heats and changeovers that the site does not have or supply."""
    for carrier in scenario.line.takes:
        if carrier not in scenario.site.carrier or carrier == ELECTRICITY:
            options = ", ".join(name for name in scenario.site.carrier if name != ELECTRICITY) or "none"
            yield ("line", "grades"), f"{carrier!r} is not a carrier that heats can use; the site has {options}"
        elif not scenario.site.touches(carrier):
            yield ("line", "grades"), f"nothing supplies {carrier!r}; add a supply"


def mistakes(scenario: Scenario) -> Mistakes:
    """Find parts of a scenario that the twin cannot simulate together with changeovers."""
    chance = scenario.disturbances
    disturbed = chance.duration_spread or chance.units or chance.breakdowns or chance.margins or chance.hold
    for present, name in (
        (bool(scenario.locks), "locks"),
        (bool(scenario.state.started), "heats that have begun"),
        (bool(scenario.outages), "outages"),
        (bool(disturbed), "disturbances"),
        (scenario.recourse != Recourse(), "recourse"),
        (any(unit.states is not None for unit in scenario.line.units), "energy states"),
        (scenario.site.grid.import_limit_mw is not None, "an import limit"),
    ):
        if present and scenario.line.changeovers:
            yield ("line", "changeovers"), f"changeovers and {name} are not simulated together yet"
