"""Review of energy performance: baseline, rules, indicator, CUSUM and savings in one document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from emberline.reports.compliance.reports.table import Document, Table, table
from emberline.reports.performance.baseline import (
    Breach,
    EnergyBaseline,
    Savings,
    breaches,
    fit,
    refuse_invalid,
    savings,
)
from emberline.reports.performance.cusum import Cusum, cusum
from emberline.reports.performance.losses import SIGNIFICANT_SHARE, Losses, significant_uses
from emberline.reports.performance.tables import Periods
from emberline.reports.text import mark

FIT = ("r_squared", "adjusted_r_squared", "residual_sd", "cv_rmse")
"""Figures of the baseline that a review includes."""


@dataclass(frozen=True)
class Review:
    """Comparison of a report period with its baseline."""

    baseline: EnergyBaseline
    rules: tuple[Breach, ...]
    """Warnings; other rules have raised an error."""
    savings: Savings
    cusum: Cusum
    report: pd.DataFrame
    """Energy, ``predicted``, ``enpi`` and ``cusum`` by row."""
    uses: pd.DataFrame | None = None
    """Uses of the report period by size (``significant_uses``); None if the table has none."""
    losses: Losses | None = None
    """Losses by cause; None without a heat log."""
    remarks: tuple[str, ...] = ()
    """Days, weeks or months that are left out of the periods."""

    def figures(self) -> dict[str, object]:
        """Return the figures as plain data."""
        alarm = self.cusum.alarm
        return {
            "coefficients": {str(name): float(value) for name, value in self.baseline.coefficients.items()},
            "p_values": {str(name): float(value) for name, value in self.baseline.p_values.items()},
            **{name: getattr(self.baseline, name) for name in FIT},
            "enpi": self.savings.enpi,
            "saving": self.savings.saving,
            "saving_low": self.savings.low,
            "saving_high": self.savings.high,
            "confidence": self.savings.confidence,
            "false_alarms": self.cusum.false_alarms,
            "alarm": alarm and {"at": str(alarm.at), "since": str(alarm.since)},
            "losses_mwh": None if self.losses is None else dict(self.losses.split.by_cause),
        }

    def document(self, name: str) -> Document:
        """Return tables and remarks as a document.

        Args:
            name: name of the input files.
        """
        base, saved, alarm = self.baseline, self.savings, self.cusum.alarm
        errors = base.covariance.to_numpy().diagonal() ** 0.5
        coefficients = [
            (str(name), float(value), float(error), float(p))
            for (name, value), error, p in zip(base.coefficients.items(), errors, base.p_values, strict=True)
        ]
        quality = [
            ("R²", base.r_squared),
            ("adjusted R²", base.adjusted_r_squared),
            ("p of the model", base.model_p),
            ("residual standard deviation", base.residual_sd),
            ("CV(RMSE)", base.cv_rmse),
            ("rows", base.n),
        ]
        summary = [
            ("expected", saved.predicted),
            ("actual", saved.actual),
            ("saving", saved.saving),
            (f"saving, low ({saved.confidence:.0%})", saved.low),
            (f"saving, high ({saved.confidence:.0%})", saved.high),
            ("EnPI, actual / expected", saved.enpi),
        ]
        columns = [self.report[name].tolist() for name in (base.energy, "predicted", "enpi", "cusum")]
        rows = list(zip(map(str, self.report.index), *columns, strict=True))
        text = f"Alarm in {alarm.at}: more energy than expected since {alarm.since}" if alarm else "No alarm"
        note = f"{text}. An unchanged period of this length has an alarm in {self.cusum.false_alarms:.0%} of cases."
        tables = (
            table("Result", ("figure", base.energy), summary),
            table(mark("By period"), (mark("period"), mark("actual"), mark("expected"), "EnPI", "CUSUM"), rows, note),
            table(mark("Baseline"), (mark("variable"), mark("coefficient"), mark("standard error"), "p"), coefficients),
            table(mark("Quality of the baseline"), (mark("figure"), mark("value")), quality),
            *([] if self.uses is None else [self._uses()]),
            *([] if self.losses is None else _losses(self.losses)),
        )
        subtitle = f"{name}: {_span(self.report)} against {_span(base.data)}"
        return Document("Energy performance", subtitle, tables, (*self.remarks, *map(str, self.rules)), self.figures())

    def _uses(self) -> Table:
        assert self.uses is not None
        rows = [
            (
                str(name),
                *(float(row[key]) for key in ("energy", "share", "cumulated")),
                "yes" if row["significant"] else "",
            )
            for name, row in self.uses.iterrows()
        ]
        note = f"Significant are the largest uses that make up {SIGNIFICANT_SHARE:.0%} of the energy of all uses."
        columns = mark("use"), mark("energy"), mark("share"), mark("cumulated"), mark("significant")
        return table(mark("Significant energy uses"), columns, rows, note)


def _span(rows: pd.DataFrame) -> str:
    """Return the first and the last row as text, such as ``2026-01 to 2026-12``."""
    return f"{rows.index[0]} to {rows.index[-1]}"


def _losses(losses: Losses) -> list[Table]:
    note = (
        f"Against {losses.split.expected_mwh:,.6g} MWh for the tonnes that were made, and a base load of "
        f"{losses.base_mw:,.4g} MW, on {len(losses.days)} days. Mix, idling and waiting are what the twin says, drift "
        f"and fault what it does not explain. Days without meter: {losses.without_meter}; heats whose waits are not in "
        f"the log: {losses.without_wait}."
    )
    faults = [(str(day), mwh) for day, mwh in losses.faults.items()]
    energy = mark("energy [MWh]")
    return [
        table(mark("Losses by cause"), (mark("cause"), energy, mark("share of the deviation")), losses.rows, note),
        table(mark("Days that stand out (fault)"), (mark("day"), energy), faults),
    ]


def review(
    baseline_period: Periods,
    report_period: Periods,
    energy: str,
    variables: Sequence[str],
    production: Sequence[str],
    uses: Sequence[str] = (),
    *,
    ashrae: bool = False,
) -> Review:
    """Compare a report period with a baseline.

    Args:
        baseline_period: rows of the baseline period.
        report_period: rows of the report period.
        energy: column of energy.
        variables: relevant variables.
        production: variables that measure production.
        uses: columns of single energy uses, such as a furnace or a mill.
        ashrae: whether to apply ASHRAE Guideline 14 to the baseline.

    Raises:
        Unfit: no baseline can be estimated.
        Invalid: the baseline violates a rule, which is named.
        ScenarioError: values are missing.
    """
    # single uses are not needed for the baseline period
    baseline_rows, before = baseline_period.whole([energy, *variables])
    report_rows, after = report_period.whole([energy, *variables, *uses])
    baseline = fit(baseline_rows, energy, list(variables))
    rules = breaches(baseline, production, report_rows, ashrae=ashrae)
    refuse_invalid(rules)
    sums = cusum(baseline, report_rows)
    predicted = baseline.predict(report_rows)
    report = report_rows[[energy, *variables]].assign(
        predicted=predicted, enpi=report_rows[energy] / predicted, cusum=sums.curve
    )
    split = significant_uses(report_rows, uses) if uses else None
    remarks = [f"baseline period: {text}" for text in before] + [f"report period: {text}" for text in after]
    return Review(baseline, tuple(rules), savings(baseline, report_rows), sums, report, split, remarks=tuple(remarks))
