"""A plan of a published line, followed by the twin: its rows and what it missed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import xarray as xr
from pydantic import ValidationError

from benchmarks.instruments.quiet import quiet
from benchmarks.published.cases import BadCase, tell
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

SEARCH_SHARE = 0.9
"""Share of the time limit that the search may take; the rest reads, replays and judges."""


def checked(name: str, raw: dict[str, Any]) -> Case:
    """A scenario, judged as a user's.

    Raises:
        BadCase: figures that no scenario can have.
    """
    try:
        scenario = resolve(Scenario.model_validate(raw))
    except ValidationError as error:
        first = error.errors()[0]
        text = first["msg"].removeprefix("Value error, ")
        raise BadCase(f"{name}: {'.'.join(map(str, first['loc']))}: {text}") from None
    for _, text in between_nouns(scenario):
        raise BadCase(f"{name}: {text}")
    return scenario


def violations(run: xr.Dataset) -> list[dict[str, Any]]:
    """What a run missed, row by row."""
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    rows = zip(*(run[f"violation_{name}"].values.tolist() for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def starts(run: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Start and end of each heat [min]."""
    columns = (run[f"op_{name}"].values.tolist() for name in ("heat", "start_min", "end_min"))
    return {heat: (start, end) for heat, start, end in zip(*columns, strict=True)}


def answered(solve: Callable[[], dict[str, Any]], as_json: bool) -> int:
    """Print what a case came to; returns the exit code."""
    try:
        with quiet():
            answer = solve()
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    tell(answer, as_json)
    return 0 if answer["objective"] is not None and not answer["violations"] else 1
