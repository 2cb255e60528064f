"""Decisions of a shift, at times of the plant's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import xarray as xr

from emberline.live.loop.snapshot import current
from emberline.live.tags import Plant
from emberline.runs.decisions import Advice, Decisions
from emberline.runs.store import StoreError


def decide(plant: str, number: str, *, approve: bool, who: str, reason: str) -> Advice:
    """Approve or decline an advice now.

    Raises:
        StoreError: it cannot be.
    """
    return Decisions(plant).decide(number, approve=approve, who=who, reason=reason, now=plant_time(plant))


def withdraw(plant: str, number: str | None, *, who: str, reason: str) -> Advice:
    """End the plan in force now.

    Args:
        plant: its name.
        number: id of the plan's advice, or the first digits of it; None: whichever is in force.
        who: ends it.
        reason: in words.

    Raises:
        StoreError: none is in force, or the reason is missing.
    """
    decisions = Decisions(plant)
    if number is None:
        in_force = decisions.in_force()
        if in_force is None:
            raise StoreError(f"no plan of plant {plant} is in force")
        number = in_force.id
    return decisions.withdraw(number, who=who, reason=reason, now=plant_time(plant))


def plant_time(plant: str) -> datetime:
    """Plant time last shown by the loop, or this computer's time if there is no loop."""
    for snapshot in current():
        if snapshot["plant"] == plant:
            speed = float(snapshot["speed"])
            wall_time = datetime.fromisoformat(snapshot["written"])
            return datetime.fromisoformat(snapshot["at"]) + (datetime.now(UTC) - wall_time) * speed
    return datetime.now(UTC)


def approved(plant: Plant) -> Callable[[], xr.Dataset | None]:
    """Function for a simulated plant that returns the schedule in force whenever the schedule has changed."""
    before = ""

    def schedule() -> xr.Dataset | None:
        nonlocal before
        decisions = Decisions(plant.name)
        in_force = decisions.in_force()
        if in_force is None or in_force.id == before or in_force.made_for != plant.identity:
            return None
        before = in_force.id
        return decisions.schedule(in_force.id)

    return schedule
