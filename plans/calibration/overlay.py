"""What was fitted as an overlay of the scenario: only what the log tells, everything else stays the scenario's."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import Any

from emberline.plans.calibration.estimate import Estimate
from emberline.plans.calibration.fitting import UnitFit
from emberline.scenarios import Scenario
from emberline.scenarios.records.disturbances import Disturbances
from emberline.scenarios.records.line import Grade, Line

DIGITS = 5
FIELDS = {"duration": "duration_min", "energy": "energy_kwh_per_t"}


def overlay(scenario: Scenario, fits: Iterable[UnitFit], estimates: Iterable[Estimate]) -> dict[str, Any]:
    """The overlay as plain data, for ``emberline.scenarios.reading.overlay``; empty where nothing was fitted.

    Args:
        scenario: what is known before.
        fits: of the units.
        estimates: figures to write: those of the fits, or others in their place.
    """
    found = {(item.kind, item.unit, item.grade): item for item in estimates if item.fitted}
    over: dict[str, Any] = {}
    if any(kind in FIELDS for kind, _, _ in found):
        grades = [_grade(scenario.line, grade, found) for grade in scenario.line.grades]
        over["line"] = {"grades": grades}
    told = _disturbances(scenario.disturbances, fits, found)
    if told:
        over["disturbances"] = told
    return over


def applied(scenario: Scenario, over: dict[str, Any]) -> Scenario:
    """The scenario under the line and disturbances of an overlay."""
    line = scenario.line
    if "line" in over:
        grades = tuple(Grade.model_validate(item) for item in over["line"]["grades"])
        line = line.model_copy(update={"grades": grades})
    data = scenario.disturbances.model_dump() | over.get("disturbances", {})
    return scenario.model_copy(update={"line": line, "disturbances": Disturbances.model_validate(data)})


def text(over: dict[str, Any], remarks: Iterable[str]) -> str:
    """The overlay as YAML, with remarks above it."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    written = StringIO()
    yaml.dump(over, written)
    return "".join(f"# {' '.join(line.split())}\n" for line in remarks) + written.getvalue()


def _grade(line: Line, grade: Grade, found: dict[tuple[str, str, str], Estimate]) -> dict[str, Any]:
    data = grade.model_dump(exclude_defaults=True)
    for stage in line.stages:
        for unit in stage.units:
            for kind, field in FIELDS.items():
                item = found.get((kind, unit.name, grade.name))
                if item is not None:
                    told = data.setdefault(field, {})
                    place = stage.name if len(stage.units) == 1 and unit.name not in told else unit.name
                    told[place] = _rounded(item.value)
    return data


def _disturbances(
    told: Disturbances, fits: Iterable[UnitFit], found: dict[tuple[str, str, str], Estimate]
) -> dict[str, Any]:
    spreads = {spread.unit: spread.model_dump(exclude_defaults=True) for spread in told.units}
    failing = {item.unit: item.model_dump() for item in told.breakdowns}
    before = dict(spreads), dict(failing)
    for fit in fits:
        own: dict[str, Any] = {}
        for kind in ("duration", "energy"):
            item = found.get((f"{kind}_spread", fit.unit, ""))
            if item is not None:
                own[kind] = min(_rounded(item.value), 1.0)
        if fit.tied and "duration" in own:
            own["energy"] = own["duration"]
        if fit.durations is not None:
            own["distribution"] = fit.durations.family.name
        if own:
            spreads[fit.unit] = {"unit": fit.unit, **spreads.get(fit.unit, {}), **own}
        mtbf, mttr = (found.get((kind, fit.unit, "")) for kind in ("mtbf", "mttr"))
        known = dict(failing.get(fit.unit, {"unit": fit.unit}))
        known |= {} if mtbf is None else {"mtbf_h": _rounded(mtbf.value)}
        known |= {} if mttr is None else {"mttr_min": _rounded(mttr.value)}
        if len(known) == 3:
            failing[fit.unit] = known
    over: dict[str, Any] = {}
    if spreads != before[0]:
        over["units"] = list(spreads.values())
    if failing != before[1]:
        over["breakdowns"] = list(failing.values())
    return over


def _rounded(value: float | None) -> float:
    return float(f"{value:.{DIGITS}g}")
