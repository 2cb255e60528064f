"""Switching a process: from standstill to product, from one mode to another, and stops that are planned."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.horizon import Moment
from emberline.scenarios.records.quantity import Hours, MegawattHours, Minutes, in_unit

Span = Annotated[float, BeforeValidator(in_unit("h"), json_schema_input_type=float | str), Field(ge=0, le=10_000)]
"""Hours, zero included."""
OffSpec = Annotated[float, BeforeValidator(in_unit("t"), json_schema_input_type=float | str), Field(ge=0, le=1e6)]
"""Tonnes, zero included."""
Gigajoules = Annotated[float, BeforeValidator(in_unit("GJ"), json_schema_input_type=float | str), Field(ge=0, le=1e7)]


class StartUp(Record):
    """From standstill to product."""

    hours: Span = 0.0
    energy_mwh: MegawattHours = 0.0
    """Electricity, spread evenly over the whole steps that the hours take (the first step of the run where they are
    none)."""
    heat_gj: Gigajoules = 0.0
    """Heat by the usual mix of fuels of the mode that it starts in, spread likewise."""
    off_spec_t: OffSpec = 0.0
    """Product that is lost when the run begins; its inputs and energy are spent."""
    cold_after_h: Span = 0.0
    """After a breakdown shorter than this it starts in proportion to the standstill; planned stops count as cold."""


class ChangeOver(Record):
    """From one mode to another without a standstill between."""

    minutes: Minutes = 0.0
    """Without product; it draws no power meanwhile but ``energy_mwh``."""
    energy_mwh: MegawattHours = 0.0
    off_spec_t: OffSpec = 0.0
    """Product that is lost when the next mode begins."""


class Between(ChangeOver):
    """A change-over between two certain modes."""

    start: str
    """The mode that is left."""
    end: str
    """The mode that follows."""


class ChangeOvers(ChangeOver):
    """Change-overs between all modes, and those that differ."""

    between: tuple[Between, ...] = ()


class PlannedStop(Record):
    """A stop that has to be made within the horizon; when is free within its limits."""

    hours: Hours
    earliest: Moment | None = None
    """Earliest beginning; none: the start of the horizon."""
    latest: Moment | None = None
    """Latest beginning; none: as late as it fits."""
