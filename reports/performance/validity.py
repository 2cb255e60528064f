"""Rules that a baseline must meet before anybody relies on it, each with its name.

Measurement and verification protocol of the US Superior Energy Performance programme, section 3.4.5, and ASHRAE
Guideline 14 for R², CV(RMSE) and NMBE of a stricter claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from emberline.reports.performance.baseline import INTERCEPT, EnergyBaseline

LEAST_R_SQUARED = 0.5
MOST_MODEL_P = 0.1
MOST_VARIABLE_P, ONE_VARIABLE_P = 0.2, 0.1
DEVIATIONS = 3.0
ASHRAE_R_SQUARED, ASHRAE_CV_RMSE, ASHRAE_NMBE = 0.75, 0.15, 0.05


@dataclass(frozen=True)
class Breach:
    """A rule that a baseline does not meet."""

    rule: str
    says: str
    refuses: bool = True
    """False: a warning."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


class Invalid(ValueError):
    """A baseline that breaks a rule."""


def breaches(
    baseline: EnergyBaseline,
    production: Sequence[str],
    report: pd.DataFrame | None = None,
    *,
    ashrae: bool = False,
) -> list[Breach]:
    """The rules that a baseline does not meet.

    Args:
        baseline: what was fitted.
        production: variables that measure production.
        report: rows of the period to be judged by it.
        ashrae: hold it to ASHRAE Guideline 14 too.
    """
    rules = [*_of_model(baseline), *_of_variables(baseline, production)]
    if report is not None:
        rules += _of_range(baseline, report)
    if ashrae:
        rules += _of_ashrae(baseline)
    return rules


def refuse_invalid(rules: Sequence[Breach]) -> None:
    """Refuse a baseline by the names of the rules that it breaks.

    Raises:
        Invalid: there is one that is no warning.
    """
    refusing = [rule for rule in rules if rule.refuses]
    if refusing:
        raise Invalid("; ".join(map(str, refusing)))


def _of_model(baseline: EnergyBaseline) -> Iterator[Breach]:
    if not baseline.r_squared >= LEAST_R_SQUARED:
        yield Breach("r_squared", f"R² is {baseline.r_squared:.3f}, at least {LEAST_R_SQUARED} is required")
    if not baseline.adjusted_r_squared >= LEAST_R_SQUARED:
        says = f"adjusted R² is {baseline.adjusted_r_squared:.3f}, at least {LEAST_R_SQUARED} is required"
        yield Breach("adjusted_r_squared", says)
    if not baseline.model_p <= MOST_MODEL_P:
        yield Breach("model_p", f"p of the model is {baseline.model_p:.3f}, at most {MOST_MODEL_P} is allowed")


def _of_variables(baseline: EnergyBaseline, production: Sequence[str]) -> Iterator[Breach]:
    p = baseline.p_values.drop(INTERCEPT)
    weak = [f"{name} ({value:.3f})" for name, value in p.items() if not value <= MOST_VARIABLE_P]
    if weak:
        yield Breach("variable_p", f"p of {', '.join(weak)} is above {MOST_VARIABLE_P}")
    if not p.min() < ONE_VARIABLE_P:
        yield Breach("one_variable_p", f"no variable has a p below {ONE_VARIABLE_P}; the least is {p.min():.3f}")
    negative = [name for name in baseline.variables if baseline.coefficients[name] < 0]
    if negative:
        yield Breach("negative_coefficient", f"more {', '.join(negative)} would need less energy", refuses=False)
    if not set(production) & set(baseline.variables):
        yield Breach("production_variable", f"none of the variables {', '.join(baseline.variables)} is production")


def _of_range(baseline: EnergyBaseline, report: pd.DataFrame) -> Iterator[Breach]:
    for name in baseline.variables:
        column, mean = baseline.data[name], float(report[name].mean())
        centre, sd = float(column.mean()), float(column.std(ddof=1))
        inside = column.min() <= mean <= column.max() or abs(mean - centre) <= DEVIATIONS * sd
        if not inside:
            yield Breach(
                "range",
                f"mean of {name} is {mean:,.6g} in the report period, "
                f"outside {column.min():,.6g} to {column.max():,.6g} "
                f"and {DEVIATIONS:g} standard deviations around {centre:,.6g}",
            )


def _of_ashrae(baseline: EnergyBaseline) -> Iterator[Breach]:
    if not baseline.r_squared >= ASHRAE_R_SQUARED:
        yield Breach("ashrae_r_squared", f"R² is {baseline.r_squared:.3f}, at least {ASHRAE_R_SQUARED} is required")
    if not baseline.cv_rmse <= ASHRAE_CV_RMSE:
        yield Breach("cv_rmse", f"CV(RMSE) is {baseline.cv_rmse:.1%}, at most {ASHRAE_CV_RMSE:.0%} is allowed")
    if not abs(baseline.nmbe) <= ASHRAE_NMBE:
        yield Breach("nmbe", f"NMBE is {baseline.nmbe:.1%}, at most {ASHRAE_NMBE:.0%} is allowed")
