"""What a line must be like where its heats are planned to the minute: with changeovers, or for the least makespan."""

from __future__ import annotations

from collections.abc import Iterator

from emberline.scenarios.assets import Supply, of
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.records.base import Mistakes
from emberline.scenarios.records.disturbances import Recourse
from emberline.scenarios.records.goal import Target
from emberline.scenarios.records.orders import Order

WHOLE = 1e-9


def carriers(scenario: Scenario) -> Mistakes:
    """Carriers that heats and changeovers take, and that the site has not."""
    for carrier in scenario.line.takes:
        if carrier not in scenario.site.carrier or carrier == ELECTRICITY:
            options = ", ".join(name for name in scenario.site.carrier if name != ELECTRICITY) or "none"
            yield ("line", "grades"), f"{carrier!r} is no carrier that heats can take; those of the site are {options}"
        elif not any(carrier in (name for _, name in asset.touches()) for asset in scenario.site.assets):
            yield ("line", "grades"), f"nothing gives {carrier!r}; add a supply"


def mistakes(scenario: Scenario) -> Mistakes:
    """What cannot be planned yet: all else is refused, rather than planned wrongly."""
    if not scenario.heats:
        return
    goal, line = scenario.goal.minimize, scenario.line
    if line.changeovers:
        if goal not in (Target.LATENESS, Target.COST):
            yield ("goal", "minimize"), f"a line with changeovers is planned for lateness or cost, not for {goal}"
        yield from _plain(scenario, "changeovers", ("line", "changeovers"))
        yield from _in_sequence(scenario)
    elif line.takes and goal != Target.MAKESPAN:
        yield ("line", "grades"), "takes of grades is planned with changeovers only, or for the least makespan"
    if goal == Target.MAKESPAN:
        place = ("goal", "minimize")
        if line.changeovers or len(line.stages) > 1 or line.campaign_stage is not None:
            yield place, "makespan is planned for lines of one stage without campaign and changeovers"
            return
        yield from _plain(scenario, "the goal makespan", place)
        yield from _alone(scenario)


def units(scenario: Scenario, order: Order, grade: str) -> list[str]:
    """Units of the last stage that may take a heat of an order."""
    line = scenario.line
    return [
        unit.name
        for unit in line.stages[-1].units
        if (not order.units or unit.name in order.units) and line.duration_min(line.grade[grade], unit.name) is not None
    ]


def _plain(scenario: Scenario, what: str, place: tuple[str, ...]) -> Mistakes:
    """Locks, releases, outages and what else neither of the two knows."""
    chance = scenario.disturbances
    disturbed = chance.duration_spread or chance.units or chance.breakdowns or chance.margins or chance.hold
    for present, name in (
        (bool(scenario.locks), "locks"),
        (bool(scenario.state.started), "heats that have begun"),
        (bool(scenario.outages), "outages"),
        (any(heat.release_min > 0 for heat in scenario.heats), "releases"),
        (bool(disturbed), "disturbances"),
        (scenario.recourse != Recourse(), "recourse"),
        (any(unit.states is not None for unit in scenario.line.units), "energy states"),
    ):
        if present:
            yield place, f"{what} and {name} are not planned together yet"


def _orders(scenario: Scenario) -> Iterator[tuple[int, Order, list[str]]]:
    for i, order in enumerate(scenario.orders):
        for grade in dict.fromkeys(entry.grade for entry in order.heats):
            yield i, order, units(scenario, order, grade)


def _in_sequence(scenario: Scenario) -> Mistakes:
    line = scenario.line
    several = {unit for _, _, able in _orders(scenario) for unit in able}
    if len(several) > 1 or any(not able for _, _, able in _orders(scenario)):
        yield ("line", "changeovers"), "heats with changeovers are planned on one unit that takes them all"
    if scenario.site.grid.import_limit_mw is not None:
        yield ("site", "grid", "import_limit_mw"), "is not kept with changeovers yet"
    if scenario.goal.minimize != Target.COST:
        return
    if any(heat.due_min < scenario.horizon.length_min for heat in scenario.heats):
        says = "due times are not kept by least cost with changeovers; leave them out, or take lateness and then cost"
        yield ("goal", "minimize"), says
    if any(line.energy_mwh(heat.grade, unit) > 0 for heat in scenario.heats for unit in several):
        yield ("goal", "minimize"), "least cost with changeovers is planned where heats draw no electricity"
    for carrier in line.takes:
        touching = [asset for asset in scenario.site.assets if carrier in (name for _, name in asset.touches())]
        supply = of(touching, Supply)
        if len(touching) != 1 or not supply or supply[0].price_per_unit.value is None:
            says = (
                f"least cost with changeovers is planned where one supply gives {carrier!r}, at the same price always"
            )
            yield ("goal", "minimize"), says


def _alone(scenario: Scenario) -> Mistakes:
    """Least makespan: heats of whole minutes with even power, each with its own unit, and no other load."""
    line, site = scenario.line, scenario.site
    for i, _, able in _orders(scenario):
        if len(able) != 1:
            yield ("orders", i, "units"), f"{len(able)} units may take it; for the least makespan name one"
    if any(unit.setup_min for unit in line.units) or any(len(unit.phases) > 1 for unit in line.units):
        yield ("line", "stages", 0, "units"), "set-ups and phases are not planned for the least makespan yet"
    for i, grade in enumerate(line.grades):
        if any(abs(minutes - round(minutes)) > WHOLE for minutes in grade.duration_min.values()):
            yield ("line", "grades", i, "duration_min"), "is planned in whole minutes for the least makespan"
    if len({heat.due_min for heat in scenario.heats}) > 1:
        yield ("orders",), "due times that differ are not planned for the least makespan; give one, or take lateness"
    if site.battery is not None or site.assets or site.pv is not None or site.base_load_mw.value != 0:
        yield ("site",), "the least makespan is planned for a line without other loads, battery and assets"
