"""Energy baseline by linear regression on relevant variables (ISO 50006, ISO 50015), and its validity rules.

    energy = intercept + Σ coefficient · variable

Ordinary least squares by statsmodels. Columns are centred and scaled for the fit, so that variables of very different
magnitude do not lose precision; coefficients are given in the units of the data.

A baseline must meet named validity rules: those of the measurement and verification protocol of the US Superior Energy
Performance programme, section 3.4.5, and optionally the stricter ones of ASHRAE Guideline 14 for R², CV(RMSE) and NMBE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

INTERCEPT = "intercept"


class Unfit(ValueError):
    """Error for data from which no baseline can be estimated."""


@dataclass(frozen=True)
class EnergyBaseline:
    """Fitted energy baseline."""

    energy: str
    variables: tuple[str, ...]
    coefficients: pd.Series
    """Coefficients by ``intercept`` and variables, in the units of the data."""
    p_values: pd.Series
    """Two-sided p-value of each coefficient."""
    covariance: pd.DataFrame
    """Covariance of the coefficients."""
    r_squared: float
    adjusted_r_squared: float
    model_p: float
    """p-value of all variables together (F test)."""
    residual_sd: float
    n: int
    data: pd.DataFrame
    """Energy and variables in the baseline period."""

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residuals."""
        return self.n - len(self.coefficients)

    @property
    def residuals(self) -> pd.Series:
        """Actual minus predicted energy in the baseline period."""
        return self.data[self.energy] - self.predict(self.data)

    @property
    def cv_rmse(self) -> float:
        """Residual standard deviation over mean energy (ASHRAE 14)."""
        return self.residual_sd / abs(float(self.data[self.energy].mean()))

    @property
    def nmbe(self) -> float:
        """Mean bias over mean energy (ASHRAE 14)."""
        bias = float(self.residuals.sum()) / max(self.freedom, 1)
        return bias / abs(float(self.data[self.energy].mean()))

    def design(self, data: pd.DataFrame) -> np.ndarray:
        """Return the design matrix of the regression, shape (n_rows, n_coefficients)."""
        columns = [data[name].to_numpy(float) for name in self.variables]
        return np.column_stack([np.ones(len(data)), *columns])

    def predict(self, data: pd.DataFrame) -> pd.Series:
        """Return the expected energy for rows of variables."""
        return pd.Series(self.design(data) @ self.coefficients.to_numpy(), index=data.index, name="predicted")

    def error_covariance(self, data: pd.DataFrame) -> np.ndarray:
        """Return the covariance of actual minus predicted energy for new rows, shape (n_rows, n_rows)."""
        design = self.design(data)
        return np.asarray(
            self.residual_sd**2 * np.eye(len(data)) + design @ self.covariance.to_numpy() @ design.T, dtype=float
        )


def fit(data: pd.DataFrame, energy: str, variables: list[str]) -> EnergyBaseline:
    """Fit a baseline.

    Args:
        data: rows of a period, with energy and variables as columns.
        energy: column of energy.
        variables: columns of relevant variables.

    Raises:
        Unfit: too few rows, missing values, or a variable that is constant or collinear with the others.
    """
    rows = data[[energy, *variables]].astype(float)
    if not variables:
        raise Unfit("name at least one relevant variable")
    if len(rows) < len(variables) + 2:
        raise Unfit(f"{len(rows)} rows are too few for {len(variables)} variables; at least {len(variables) + 2}")
    unfilled = [str(name) for name in rows if not np.isfinite(rows[name]).all()]
    if unfilled:
        raise Unfit(f"values are missing in {', '.join(unfilled)}")
    values = rows[variables].to_numpy()
    mean, spread = values.mean(axis=0), values.std(axis=0)
    still = [
        name for name, sd, centre in zip(variables, spread, mean, strict=True) if sd <= 1e-12 * abs(centre) or sd == 0
    ]
    if still:
        raise Unfit(f"{still[0]} does not vary over the baseline period")
    scaled = (values - mean) / spread
    if np.linalg.matrix_rank(scaled) < len(variables):
        raise Unfit("a variable follows from the others: leave one out")
    from statsmodels.regression.linear_model import OLS

    result = OLS(rows[energy].to_numpy(), np.column_stack([np.ones(len(rows)), scaled])).fit(method="qr")
    back = np.diag([1.0, *(1 / spread)])
    back[0, 1:] = -mean / spread
    names = [INTERCEPT, *variables]
    coefficients = pd.Series(back @ result.params, index=names)
    covariance = pd.DataFrame(back @ result.cov_params() @ back.T, index=names, columns=names)
    return EnergyBaseline(
        energy,
        tuple(variables),
        coefficients,
        _p_values(coefficients, covariance, int(result.df_resid)),
        covariance,
        float(result.rsquared),
        float(result.rsquared_adj),
        float(result.f_pvalue),
        float(np.sqrt(result.scale)),
        len(rows),
        rows,
    )


def _p_values(coefficients: pd.Series, covariance: pd.DataFrame, freedom: int) -> pd.Series:
    from scipy import stats

    errors = np.sqrt(np.diag(covariance.to_numpy()))
    ratio = np.divide(coefficients.to_numpy(), errors, out=np.full(len(errors), np.inf), where=errors > 0)
    return pd.Series(2 * stats.t.sf(np.abs(ratio), freedom), index=coefficients.index)


CONFIDENCE = 0.95


@dataclass(frozen=True)
class Savings:
    """Savings in the unit of energy; negative for higher use."""

    saving: float
    low: float
    high: float
    predicted: float
    actual: float
    confidence: float

    @property
    def share(self) -> float:
        """Saving as a share of the expected energy."""
        return self.saving / self.predicted

    @property
    def enpi(self) -> float:
        """Energy performance indicator: actual over expected energy; below 1 is better than the baseline."""
        return self.actual / self.predicted


def savings(baseline: EnergyBaseline, report: pd.DataFrame) -> Savings:
    """Compute the normalised savings of a report period with their confidence interval.

        saving = Σ (predicted − actual)      variance = s² · (m + 1ᵀ X (Xᵀ X)⁻¹ Xᵀ 1)

    m is the number of rows in the report period. The interval covers both the scatter of the report period and the
    uncertainty of the baseline's coefficients (forecast model of ISO 50047).

    Args:
        baseline: fitted baseline.
        report: rows with energy and variables.
    """
    from scipy import stats

    predicted, actual = float(baseline.predict(report).sum()), float(report[baseline.energy].sum())
    sd = float(np.sqrt(baseline.error_covariance(report).sum()))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, baseline.freedom)) * sd
    saving = predicted - actual
    return Savings(saving, saving - half, saving + half, predicted, actual, CONFIDENCE)


MIN_R_SQUARED = 0.5
MAX_MODEL_P = 0.1
MAX_VARIABLE_P, ONE_VARIABLE_P = 0.2, 0.1
DEVIATIONS = 3.0
ASHRAE_R_SQUARED, ASHRAE_CV_RMSE, ASHRAE_NMBE = 0.75, 0.15, 0.05


@dataclass(frozen=True)
class Breach:
    """Validity rule that a baseline violates."""

    rule: str
    says: str
    refuses: bool = True
    """False for a warning."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


class Invalid(ValueError):
    """Error for a baseline that violates a rule."""


def breaches(
    baseline: EnergyBaseline, production: Sequence[str], report: pd.DataFrame | None = None, *, ashrae: bool = False
) -> list[Breach]:
    """Return the rules that a baseline violates.

    Args:
        baseline: fitted baseline.
        production: variables that measure production.
        report: rows of the period to be compared with it.
        ashrae: whether to apply ASHRAE Guideline 14 as well.
    """
    rules = [*_of_model(baseline), *_of_variables(baseline, production)]
    if report is not None:
        rules += _of_range(baseline, report)
    if ashrae:
        rules += _of_ashrae(baseline)
    return rules


def refuse_invalid(rules: Sequence[Breach]) -> None:
    """Raise an error if a baseline violates a rule that is not a warning.

    Raises:
        Invalid: with the names of these rules.
    """
    refusing = [rule for rule in rules if rule.refuses]
    if refusing:
        raise Invalid("; ".join(map(str, refusing)))


def _of_model(baseline: EnergyBaseline) -> Iterator[Breach]:
    if not baseline.r_squared >= MIN_R_SQUARED:
        yield Breach("r_squared", f"R² is {baseline.r_squared:.3f}, at least {MIN_R_SQUARED} is required")
    if not baseline.adjusted_r_squared >= MIN_R_SQUARED:
        text = f"adjusted R² is {baseline.adjusted_r_squared:.3f}, at least {MIN_R_SQUARED} is required"
        yield Breach("adjusted_r_squared", text)
    if not baseline.model_p <= MAX_MODEL_P:
        yield Breach("model_p", f"p of the model is {baseline.model_p:.3f}, at most {MAX_MODEL_P} is allowed")


def _of_variables(baseline: EnergyBaseline, production: Sequence[str]) -> Iterator[Breach]:
    p = baseline.p_values.drop(INTERCEPT)
    weak = [f"{name} ({value:.3f})" for name, value in p.items() if not value <= MAX_VARIABLE_P]
    if weak:
        yield Breach("variable_p", f"p of {', '.join(weak)} is above {MAX_VARIABLE_P}")
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
