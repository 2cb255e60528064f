"""Time zones by their names: those of places, the same on every machine."""

from __future__ import annotations

from zoneinfo import available_timezones

OF_A_MACHINE = frozenset({"Factory", "localtime", "posixrules"})
"""Entries of a system's time zone folder that name no place: what they mean depends on the machine, or is nothing."""


def zones() -> frozenset[str]:
    """Names of the time zones that a scenario or a file may have (IANA)."""
    return frozenset(available_timezones()) - OF_A_MACHINE
