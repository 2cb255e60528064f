"""Checks across several parts of a scenario."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from pydantic import ValidationError

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.case import rates_of
from emberline.scenarios.case.market import Market
from emberline.scenarios.case.scenario import Heat, Scenario
from emberline.scenarios.case.site import Site
from emberline.scenarios.checking import flow_sheet, locks, to_the_minute
from emberline.scenarios.records.base import Mistakes, unknown
from emberline.scenarios.records.faults import fault
from emberline.scenarios.records.goal import OtherSignal, Signal, Target
from emberline.scenarios.records.replanning import Using
from emberline.scenarios.tariff.contracts import Guarantees
from emberline.scenarios.tariff.record import Before


def _of_margins(scenario: Scenario) -> Mistakes:
    """Find margins that do not fit the line, the stores or the site."""
    disturbances, line, limit_mw = scenario.disturbances, scenario.line, scenario.site.grid.import_limit_mw
    stages, earlier = [stage.name for stage in line.stages], set[str]()
    for i, margin in enumerate(disturbances.margins):
        if margin.stage not in stages:
            options = ", ".join(stages) or "none"
            yield ("disturbances", "margins", i, "stage"), f"unknown stage {margin.stage!r}; stages are {options}"
            continue
        if margin.stage in earlier:
            yield ("disturbances", "margins", i, "stage"), f"{margin.stage!r} is named twice"
        earlier.add(margin.stage)
        at = stages.index(margin.stage)
        stage = line.stages[at]
        if at == len(stages) - 1 and (margin.slack_min or margin.wait_min):
            field = "slack_min" if margin.slack_min else "wait_min"
            yield ("disturbances", "margins", i, field), f"{margin.stage!r} is the last stage; no stage follows it"
            continue
        if stage.longest_wait_min is None:
            if margin.wait_min:
                text = f"stage {margin.stage} has no longest_wait_min to stay below"
                yield ("disturbances", "margins", i, "wait_min"), text
            continue
        room = stage.longest_wait_min - max((lag.least for lag in line.lags(stage)), default=0.0)
        if margin.slack_min + margin.wait_min > room:
            field = "slack_min" if margin.slack_min else "wait_min"
            text = (
                f"slack_min and wait_min leave no time between longest_wait_min and the slowest transfer, {room:g} min"
            )
            yield ("disturbances", "margins", i, field), text
    if disturbances.import_margin_mw and limit_mw is None:
        yield ("disturbances", "import_margin_mw"), "the site has no import_limit_mw to stay below"
    elif limit_mw is not None and disturbances.import_margin_mw > limit_mw:
        yield ("disturbances", "import_margin_mw"), f"is more than the import limit of {limit_mw:g} MW"
    if disturbances.due_margin_min and not line.stages:
        yield ("disturbances", "due_margin_min"), "there is no line whose heats could be due"
    capacity_t, before = {store.name: store.capacity_t for store in scenario.stores}, set[str]()
    for i, item in enumerate(disturbances.stock_margins):
        if item.store not in capacity_t:
            options = ", ".join(capacity_t) or "none"
            yield ("disturbances", "stock_margins", i, "store"), f"unknown store {item.store!r}; stores are {options}"
        elif item.store in before:
            yield ("disturbances", "stock_margins", i, "store"), f"{item.store!r} is named twice"
        elif item.reserve_t > capacity_t[item.store]:
            text = f"is more than {item.store} holds, {capacity_t[item.store]:g} t"
            yield ("disturbances", "stock_margins", i, "reserve_t"), text
        before.add(item.store)


def _of_assets(site: Site) -> Mistakes:
    """Find inconsistencies between carriers and assets."""
    names: set[str] = set()
    for i, asset in enumerate(site.assets):
        if asset.name in names:
            yield ("site", "assets", i, "name"), f"asset name {asset.name!r} used twice"
        names.add(asset.name)
        lacking = [(place, name) for place, name in asset.touches() if name not in site.carrier]
        for place, name in lacking:
            yield ("site", "assets", i, *place), unknown("carrier", name, site.carrier)
        if not lacking:
            try:
                asset.core({name: carrier.unit for name, carrier in site.carrier.items()})
            except ValidationError as error:
                first = error.errors()[0]
                key = "".join(f"{part}: " for part in first["loc"])
                yield ("site", "assets", i), key + fault(first)
            except ValueError as error:
                yield ("site", "assets", i), str(error)


def _of_contracts(market: Market) -> Mistakes:
    """Find inconsistencies between contracts."""
    names: set[str] = set()
    shares = guaranteed = 0.0
    for i, contract in enumerate(market.contracts):
        if contract.name in names or contract.name in ("spot", "rest"):
            used = "used twice" if contract.name in names else "stands for what no contract delivers"
            yield ("market", "contracts", i, "name"), f"contract name {contract.name!r} {used}"
        names.add(contract.name)
        if getattr(contract, "mw", None) is not None and not market.has_spot:
            text = "is settled against the spot price where more or less is used; give market.price_per_mwh"
            yield ("market", "contracts", i, "mw"), text
        share = getattr(contract, "share", None) or 0.0
        if isinstance(contract, Guarantees):
            guaranteed += share
        else:
            shares += share
    for total, what in ((shares, "contracts"), (guaranteed, "guarantees of origin")):
        if total > 1 + 1e-9:
            yield ("market", "contracts"), f"the shares of {what} add up to {total:g} of the import; at most 1"
    if market.imbalance is not None and not market.has_spot:
        sides = ("short", "long")
        if any(getattr(market.imbalance, f"{side}_price_per_mwh") is None for side in sides):
            yield ("market", "imbalance"), "its spreads lie on the spot price; give market.price_per_mwh or both prices"


MAX_HEATS = 5000


def between_nouns(scenario: Scenario) -> Mistakes:
    """Find inconsistencies between parts of a scenario that are valid by themselves."""
    count = sum(entry.count for order in scenario.orders for entry in order.heats)
    if count > MAX_HEATS:  # before any work per heat
        yield ("orders",), f"{count} heats are too many (at most {MAX_HEATS})"
        return
    of_site = list(_of_assets(scenario.site))
    yield from of_site
    if not of_site:  # mistakes in the site would cause misleading messages
        yield from _of_line(scenario)
        yield from to_the_minute.carriers(scenario)
        yield from flow_sheet.mistakes(scenario)
    yield from _of_market(scenario)
    yield from _of_orders(scenario)
    if any(heat for order in scenario.orders for heat in order.heats if heat.grade not in scenario.line.grade):
        return
    yield from _of_times(scenario)
    wrong = [*_of_locks(scenario), *_of_state(scenario)]
    yield from wrong
    if not wrong:
        yield from locks.impossible(scenario)
    yield from flow_sheet.of_run_locks(scenario)
    yield from _of_goal(scenario)


def _of_line(scenario: Scenario) -> Mistakes:
    for i, asset in enumerate(scenario.site.assets):
        if asset.name in scenario.line.unit:
            yield ("site", "assets", i, "name"), f"{asset.name!r} is also a unit of the line; use different names"
    for i, stage in enumerate(scenario.line.stages):
        for j, stream in enumerate(stage.gives):
            if stream.carrier not in scenario.site.carrier or stream.carrier == ELECTRICITY:
                options = ", ".join(list(scenario.site.carrier)[1:]) or "none"
                text = f"{stream.carrier!r} is not a carrier that the line can supply; those of the site are {options}"
                yield ("line", "stages", i, "gives", j, "carrier"), text
            elif not scenario.site.carrier[stream.carrier].dumps and not scenario.site.touches(stream.carrier):
                text = f"{stream.carrier!r} must not be vented and no asset uses it; add one, or set dump: true"
                yield ("line", "stages", i, "gives", j, "carrier"), text


def _of_market(scenario: Scenario) -> Mistakes:
    market = scenario.market
    yield from _of_contracts(market)
    if market.tariff is None:
        if market.tariff_before != Before():
            yield ("market", "tariff_before"), "applies to a tariff, but there is none"
        return
    if market.tariff.currency not in (None, market.currency):
        text = f"is {market.tariff.currency}, that of the market is {market.currency}; there are no exchange rates"
        yield ("market", "tariff", "currency"), text
    if market.tariff_before.peak_mw and scenario.state.peak_so_far_mw:
        yield ("market", "tariff_before", "peak_mw"), "is also given by state.peak_so_far_mw; omit one of them"
    try:
        rates_of(scenario)
    except ValueError as error:
        name, _, text = str(error).partition(": ")
        field = name.split(" ")[0]
        place = ("market", "tariff_before") if field in Before.model_fields else ("market", "tariff")
        if field == "peak_mw" and not market.tariff_before.peak_mw:
            yield ("state", "peak_so_far_mw"), text
        else:
            yield place, str(error)


def _of_orders(scenario: Scenario) -> Mistakes:
    line = scenario.line
    if scenario.orders and not line.stages:
        yield ("orders",), "there are orders but no line to make them on; give line"
        return
    if line.stages and not scenario.orders:
        yield ("orders",), "is required where there is a line: at least one order"
    names: set[str] = set()
    for i, order in enumerate(scenario.orders):
        if order.name in names:
            yield ("orders", i, "name"), f"order name {order.name!r} used twice"
        names.add(order.name)
        for j, entry in enumerate(order.heats):
            if entry.grade not in line.grade:
                options = ", ".join(list(line.grade)[:12])
                yield ("orders", i, "heats", j, "grade"), f"unknown grade {entry.grade!r}; grades are {options}"
        last = [unit.name for unit in line.stages[-1].units]
        for k, unit in enumerate(order.units):
            if unit not in last:
                yield ("orders", i, "units", k), f"{unit!r} is not a unit of the last stage; it has {', '.join(last)}"


def _of_times(scenario: Scenario) -> Mistakes:
    end = scenario.horizon.length_min
    line = scenario.line
    orders: dict[str, str] = {}
    by_order: dict[str, list[Heat]] = {}
    started = {operation.heat for operation in scenario.state.started}
    for heat in scenario.heats:
        if heat.name in orders:
            yield ("orders",), f"heat name {heat.name!r} used twice, in orders {orders[heat.name]} and {heat.order}"
        orders[heat.name] = heat.order
        by_order.setdefault(heat.order, []).append(heat)
    shortest = {
        grade.name: sum(
            min(d for unit in stage.units if (d := line.duration_min(grade, unit.name)) is not None)
            for stage in line.route(grade)
        )
        for grade in line.grades
    }
    for i, order in enumerate(scenario.orders):
        for field in ("due", "release"):
            moment = getattr(order, field)
            if moment is not None and not 0 <= scenario.horizon.minutes(moment) <= end:
                yield ("orders", i, field), f"{_clock(scenario, moment)} lies outside the horizon"
        heats = by_order[order.name]
        casting = line.campaign_stage
        if casting is not None:
            units = [unit.name for unit in casting.units if not order.units or unit.name in order.units]
            spans = [[line.duration_min(heat.grade, unit) for heat in heats] for unit in units]
            possible = [sum(filter(None, minutes)) for minutes in spans if None not in minutes]
            if not possible:
                yield ("orders", i), f"no unit of stage {casting.name} can take all heats of cast {order.name}"
            elif min(possible) > end:
                text = f"cast {order.name} takes {min(possible):g} min, longer than the horizon of {end:g} min"
                yield ("orders", i), text
        elif order.units:
            for heat in heats:
                if all(line.duration_min(heat.grade, unit) is None for unit in order.units):
                    names = ", ".join(order.units)
                    yield ("orders", i, "units"), f"heat {heat.name} of grade {heat.grade.name} cannot run on {names}"
                    break
        for heat in heats:
            least = shortest[heat.grade.name]
            if least > end and heat.name not in started:
                yield ("orders", i), f"heat {heat.name} needs {least:g} min at least, the horizon has {end:g} min"
                break


def _of_locks(scenario: Scenario) -> Mistakes:
    heats = {heat.name: heat for heat in scenario.heats}
    minutes, end = scenario.horizon.minutes, scenario.horizon.length_min
    for i, lock in enumerate(scenario.locks):
        problem = _unknown_operation(scenario, heats, lock.heat, lock.stage, lock.unit)
        if problem:
            yield ("locks", i, problem[0]), problem[1]
        for field in ("start", "earliest", "latest"):
            moment = getattr(lock, field)
            if moment is not None and not 0 <= minutes(moment) < end:
                yield ("locks", i, field), f"{_clock(scenario, moment)} lies outside the horizon"
        if lock.earliest is not None and lock.latest is not None and minutes(lock.earliest) > minutes(lock.latest):
            yield ("locks", i), f"lock of heat {lock.heat}: earliest lies after latest"


def _of_state(scenario: Scenario) -> Mistakes:
    heats = {heat.name: heat for heat in scenario.heats}
    for i, started in enumerate(scenario.state.started):
        problem = _unknown_operation(scenario, heats, started.heat, started.stage, started.unit)
        if problem:
            yield ("state", "started", i, problem[0]), problem[1]
        if scenario.horizon.minutes(started.start) > 0:
            yield ("state", "started", i, "start"), "lies after the horizon's start; started operations lie before it"
    for i, outage in enumerate(scenario.state.outages):
        units = [*scenario.line.unit, *(unit for unit, _ in scenario.process_units)]
        if outage.unit not in units:
            yield ("state", "outages", i, "unit"), f"unknown unit {outage.unit!r}; units are {', '.join(units)}"
        if scenario.horizon.minutes(outage.start) >= scenario.horizon.minutes(outage.end):
            yield ("state", "outages", i, "end"), "is not after its start"
    level, battery = scenario.state.battery_level_mwh, scenario.site.battery
    if level is not None and (battery is None or level > battery.energy_mwh):
        room = 0 if battery is None else battery.energy_mwh
        yield ("state", "battery_level_mwh"), f"{level:g} MWh is more than the battery's {room:g} MWh"
    of_processes = [name for unit, process in scenario.process_units for name in (process.name, unit)]
    machines = list(dict.fromkeys([*scenario.line.unit, *of_processes]))
    for kind in ("units", "breakdowns"):
        for i, item in enumerate(getattr(scenario.disturbances, kind)):
            if item.unit not in machines:
                text = f"unknown unit {item.unit!r}; units are {', '.join(machines)}"
                yield ("disturbances", kind, i, "unit"), text
    yield from _of_margins(scenario)


def _of_goal(scenario: Scenario) -> Mistakes:
    if scenario.goal.signal == "marginal" and scenario.market.marginal_carbon_intensity_kg_per_mwh is None:
        yield ("goal", "signal"), "the market gives no marginal_carbon_intensity_kg_per_mwh; use average or give it"
    for key in ("other_signal", "other_carbon_kg"):
        value = getattr(scenario.goal.caps, key)
        holds = value is not None and value is not OtherSignal.OFF
        if holds and scenario.market.marginal_carbon_intensity_kg_per_mwh is None:
            text = "needs both intensities; the market gives no marginal_carbon_intensity_kg_per_mwh"
            yield ("goal", "caps", key), text
    goal = scenario.goal.minimize
    if goal in (Target.LATENESS, Target.MAKESPAN) and not scenario.orders:
        yield ("goal", "minimize"), f"{goal} needs orders; a site alone takes carbon, cost or cost_with_carbon_price"
    yield from to_the_minute.mistakes(scenario)
    yield from _of_grades(scenario)
    minutes = scenario.horizon.length_min
    if minutes % scenario.site.grid.metered_interval_min:
        text = f"the horizon of {minutes:g} min is not a whole number of metered intervals"
        yield ("site", "grid", "metered_interval_min"), text
    horizon, meter = scenario.horizon, round(scenario.site.grid.metered_interval_min)
    if not horizon.begins_on(math.gcd(round(horizon.step_min), meter)):
        begin = f"{horizon.instant(0):%H:%M} ({horizon.zone})"
        text = f"{begin} lies within a metered interval; intervals of {meter} min count from the full hour"
        yield ("horizon", "start"), text


def _of_grades(scenario: Scenario) -> Mistakes:
    grades = {heat.grade.name for heat in scenario.heats}
    if scenario.goal.policy is Using.REPLAN and not scenario.can_plan_again:
        text = "only lines of heats, and runs of processes that affect only stores, can be replanned; there are none"
        yield ("goal", "policy"), text
    caps = scenario.goal.caps.embedded_kg_per_t
    places: dict[tuple[str, ...], str] = {("goal", "caps", "embedded_kg_per_t", name): name for name in caps}
    if scenario.goal.grade is not None:
        places["goal", "grade"] = scenario.goal.grade
        if scenario.goal.minimize != Target.CARBON:
            yield ("goal", "grade"), f"goes with minimize: carbon, not {scenario.goal.minimize}"
    for place, grade in places.items():
        if grade not in grades:
            yield place, unknown("grade", grade, sorted(grades)) if grades else "there are no heats"
        elif scenario.goal.signal != Signal.AVERAGE:
            yield place, "counts the average intensity; leave goal.signal: marginal out"


def _unknown_operation(
    scenario: Scenario, heats: dict[str, Heat], name: str, stage: str, unit: str | None
) -> tuple[str, str] | None:
    if not heats:
        return "heat", f"{name[:40]!r} is not a heat: there are none, since the scenario has no line"
    if name not in heats:
        return "heat", f"unknown heat {name!r}; heats are {', '.join(list(heats)[:6])} …"
    route = scenario.line.route(heats[name].grade)
    names = [part.name for part in route]
    if stage not in names:
        return "stage", f"heat {name} does not run through {stage!r}; its stages are {', '.join(names)}"
    if unit is None:
        return None
    order = next(order for order in scenario.orders if order.name == heats[name].order)
    units = [
        part.name
        for part in route[names.index(stage)].units
        if scenario.line.duration_min(heats[name].grade, part.name) is not None
        and (stage != scenario.line.stages[-1].name or not order.units or part.name in order.units)
    ]
    if unit not in units:
        return "unit", f"heat {name} cannot run on {unit!r}; units of {stage} are {', '.join(units)}"
    return None


def _clock(scenario: Scenario, moment: datetime | timedelta) -> str:
    return scenario.horizon.instant(scenario.horizon.minutes(moment)).isoformat(timespec="minutes")
