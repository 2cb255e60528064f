"""Overlay of the scenario with fitted figures; others keep the scenario's values."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import Any

from emberline.scenarios import Case, Scenario
from emberline.scenarios.case.line import Grade, Line
from emberline.scenarios.records.disturbances import Disturbances
from emberline.studies.calibration.fitting import Estimate, UnitFit

DIGITS = 5
FIELDS = {"duration": "duration_min", "energy": "energy_kwh_per_t"}


def overlay(scenario: Scenario, fits: Iterable[UnitFit], estimates: Iterable[Estimate]) -> dict[str, Any]:
    """Return the overlay as plain data, for ``emberline.scenarios.reading.overlay``; empty if nothing was fitted.

    Args:
        scenario: prior scenario.
        fits: fits of the units.
        estimates: figures to write, those of the fits or replacements.
    """
    by_key = {(item.kind, item.unit, item.grade): item for item in estimates if item.fitted}
    over: dict[str, Any] = {}
    if any(kind in FIELDS for kind, _, _ in by_key):
        grades = [_grade(scenario.line, grade, by_key) for grade in scenario.line.grades]
        over["line"] = {"grades": grades}
    disturbances = _disturbances(scenario.disturbances, fits, by_key)
    if disturbances:
        over["disturbances"] = disturbances
    return over


def applied(scenario: Case, over: dict[str, Any]) -> Case:
    """Return the scenario with the line and disturbances of an overlay."""
    line = scenario.line
    if "line" in over:
        grades = tuple(Grade.model_validate(item) for item in over["line"]["grades"])
        line = line.model_copy(update={"grades": grades})
    data = scenario.disturbances.model_dump() | over.get("disturbances", {})
    return scenario.model_copy(update={"line": line, "disturbances": Disturbances.model_validate(data)})


def text(over: dict[str, Any], remarks: Iterable[str]) -> str:
    """Return the overlay as YAML, with remarks above it."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    stream = StringIO()
    yaml.dump(over, stream)
    return "".join(f"# {' '.join(line.split())}\n" for line in remarks) + stream.getvalue()


def _grade(line: Line, grade: Grade, by_key: dict[tuple[str, str, str], Estimate]) -> dict[str, Any]:
    data = grade.model_dump(exclude_defaults=True)
    for stage in line.stages:
        for unit in stage.units:
            for kind, field in FIELDS.items():
                item = by_key.get((kind, unit.name, grade.name))
                if item is not None:
                    figures = data.setdefault(field, {})
                    place = stage.name if len(stage.units) == 1 and unit.name not in figures else unit.name
                    figures[place] = _rounded(item.value)
    return data


def _disturbances(
    disturbances: Disturbances, fits: Iterable[UnitFit], by_key: dict[tuple[str, str, str], Estimate]
) -> dict[str, Any]:
    spreads = {spread.unit: spread.model_dump(exclude_defaults=True) for spread in disturbances.units}
    failing = {item.unit: item.model_dump() for item in disturbances.breakdowns}
    before = dict(spreads), dict(failing)
    for fit in fits:
        fields: dict[str, Any] = {}
        for kind in ("duration", "energy"):
            item = by_key.get((f"{kind}_spread", fit.unit, ""))
            if item is not None:
                fields[kind] = min(_rounded(item.value), 1.0)
        if fit.tied and "duration" in fields:
            fields["energy"] = fields["duration"]
        if fit.durations is not None:
            fields["distribution"] = fit.durations.family.name
        if fields:
            spreads[fit.unit] = {"unit": fit.unit, **spreads.get(fit.unit, {}), **fields}
        mtbf, mttr = (by_key.get((kind, fit.unit, "")) for kind in ("mtbf", "mttr"))
        breakdown = dict(failing.get(fit.unit, {"unit": fit.unit}))
        breakdown |= {} if mtbf is None else {"mtbf_h": _rounded(mtbf.value)}
        breakdown |= {} if mttr is None else {"mttr_min": _rounded(mttr.value)}
        if len(breakdown) == 3:
            failing[fit.unit] = breakdown
    over: dict[str, Any] = {}
    if spreads != before[0]:
        over["units"] = list(spreads.values())
    if failing != before[1]:
        over["breakdowns"] = list(failing.values())
    return over


def _rounded(value: float | None) -> float:
    return float(f"{value:.{DIGITS}g}")
