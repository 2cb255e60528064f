"""Consumption of the site's carriers by heats and changeovers, shared by twin and models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emberline.scenarios.case.line import Line


def amounts(line: Line, units: Sequence[str], grades: Sequence[str], start_min: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the amount of each carrier that each heat consumes, including its changeover, shape (n_heats,) each.

    Args:
        line: stages, grades and changeovers.
        units: unit of each heat.
        grades: grade of each heat.
        start_min: start of each heat, which determines the sequence on a unit [min].
    """
    needs = {carrier: np.zeros(len(units)) for carrier in line.takes}
    last: dict[str, int] = {}
    for i in np.argsort(start_min, kind="stable").tolist() if needs else ():
        every = [line.grade[grades[i]].takes]
        if units[i] in last:
            every.append(line.changeover_takes(units[i], grades[last[units[i]]], grades[i]))
        last[units[i]] = i
        for takes in every:
            for carrier, amount in takes.items():
                needs[carrier][i] += amount
    return needs


def rates(
    line: Line,
    units: Sequence[str],
    grades: Sequence[str],
    start_min: np.ndarray,
    end_min: np.ndarray,
    edges_min: np.ndarray,
) -> dict[str, np.ndarray]:
    """Compute the mean consumption rate of each carrier between the edges [unit/h], shape (n_edges - 1,) each."""
    hours = np.diff(edges_min) / 60
    answer = {}
    for carrier, amount in amounts(line, units, grades, start_min).items():
        rate = np.zeros(len(hours))
        for begin, over, each in zip(start_min.tolist(), end_min.tolist(), amount.tolist(), strict=True):
            if each and over > begin:
                rate += each * np.diff(np.clip(edges_min, begin, over)) / (over - begin)
        answer[carrier] = rate / hours
    return answer
