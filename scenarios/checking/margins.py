"""Checks of the margins of a plan against the line, the stores and the grid connection."""

from __future__ import annotations

from emberline.scenarios.case.line import Line
from emberline.scenarios.process.store import Store
from emberline.scenarios.records.base import Mistakes
from emberline.scenarios.records.disturbances import Disturbances


def mistakes(
    disturbances: Disturbances, line: Line, stores: tuple[Store, ...], import_limit_mw: float | None
) -> Mistakes:
    """Margins that a line, its stores or its site cannot have, with their places within the disturbances."""
    stages, earlier = [stage.name for stage in line.stages], set[str]()
    for i, margin in enumerate(disturbances.margins):
        if margin.stage not in stages:
            options = ", ".join(stages) or "none"
            yield ("margins", i, "stage"), f"unknown stage {margin.stage!r}; stages are {options}"
            continue
        if margin.stage in earlier:
            yield ("margins", i, "stage"), f"{margin.stage!r} is named twice"
        earlier.add(margin.stage)
        at = stages.index(margin.stage)
        stage = line.stages[at]
        if at == len(stages) - 1 and (margin.slack_min or margin.wait_min):
            field = "slack_min" if margin.slack_min else "wait_min"
            yield ("margins", i, field), f"{margin.stage!r} is the last stage, nothing follows it"
            continue
        if stage.longest_wait_min is None:
            if margin.wait_min:
                yield ("margins", i, "wait_min"), f"stage {margin.stage} has no longest_wait_min to stay below"
            continue
        slowest = max(line.transfer_min(a.name, b.name) for a in stage.units for b in line.stages[at + 1].units)
        room = stage.longest_wait_min - slowest
        if margin.slack_min + margin.wait_min > room:
            field = "slack_min" if margin.slack_min else "wait_min"
            says = (
                f"slack_min and wait_min leave no time between longest_wait_min and the slowest transfer, {room:g} min"
            )
            yield ("margins", i, field), says
    if disturbances.import_margin_mw and import_limit_mw is None:
        yield ("import_margin_mw",), "the site has no import_limit_mw to stay below"
    elif import_limit_mw is not None and disturbances.import_margin_mw > import_limit_mw:
        yield ("import_margin_mw",), f"is more than the import limit of {import_limit_mw:g} MW"
    if disturbances.due_margin_min and not line.stages:
        yield ("due_margin_min",), "there is no line whose heats could be due"
    capacity_t, before = {store.name: store.capacity_t for store in stores}, set[str]()
    for i, item in enumerate(disturbances.stock_margins):
        if item.store not in capacity_t:
            options = ", ".join(capacity_t) or "none"
            yield ("stock_margins", i, "store"), f"unknown store {item.store!r}; stores are {options}"
        elif item.store in before:
            yield ("stock_margins", i, "store"), f"{item.store!r} is named twice"
        elif item.reserve_t > capacity_t[item.store]:
            yield ("stock_margins", i, "reserve_t"), f"is more than {item.store} holds, {capacity_t[item.store]:g} t"
        before.add(item.store)
