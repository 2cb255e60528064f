"""Goals and lines that no plan is made for: to the minute, by lateness, by makespan or in a sequence of changeovers."""

from __future__ import annotations

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.records.base import Mistakes, Problem, ScenarioError
from emberline.scenarios.records.disturbances import Recourse


def refuse(scenario: Scenario, what: str = "") -> None:
    """Refuse a plan that would have to be made to the minute.

    Args:
        scenario: the request.
        what: the title of the plan; empty: the scenario's name.

    Raises:
        ScenarioError: one line with the key to change.
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
    """Carriers that heats and changeovers take, and that the site has not."""
    for carrier in scenario.line.takes:
        if carrier not in scenario.site.carrier or carrier == ELECTRICITY:
            options = ", ".join(name for name in scenario.site.carrier if name != ELECTRICITY) or "none"
            yield ("line", "grades"), f"{carrier!r} is no carrier that heats can take; those of the site are {options}"
        elif not scenario.site.touches(carrier):
            yield ("line", "grades"), f"nothing gives {carrier!r}; add a supply"


def mistakes(scenario: Scenario) -> Mistakes:
    """Parts of a scenario that the twin does not simulate together with changeovers."""
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
