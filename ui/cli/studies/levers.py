"""Command ``emberline levers``: the saving from shifting production and from each asset, on its own and added last."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from emberline.ui.cli.command import Refused, case_of, print_result, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Force, Named, Quiet, optional

if TYPE_CHECKING:
    from emberline.studies.levers import Change, Levers

FORMATS = ("csv", "json")
COLUMNS = ("first", "last", "ruled")


def levers(
    scenario: Named,
    changes: Changes = None,
    output: Path | None = optional("write the levers to a .csv or .json", "FILE", "--output", "-o"),
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Report the saving of each lever: shifting production, battery, stores, engines, heat recovery.

    Two searches are made, each within the scenario's gap and effort: production first and the site after, and
    both together. Then each lever is added to the baseline on its own, and removed from the joint plan. Ctrl-C
    takes the best plans so far; press it twice to give up.
    """
    case = case_of(scenario, changes)
    from emberline.studies.levers import levers as weighed
    from emberline.studies.levers import refused
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    if says := refused(case):
        raise Refused(f"{case.name}: {says}")
    if output is not None:
        writable(output, force, FORMATS)
    result = study(partial(weighed, case), "taking the best plans so far", quiet, says=printing.lever_step)
    if output is not None:
        with writing(output) as place:
            write(result, place)
    print_result(result, as_json, printing.show_levers)
    raise typer.Exit(0 if result.has_plan else 1)


def rows(study: Levers) -> Iterator[dict[str, Any]]:
    """The levers as a flat table: a row per lever and column, then interactions and the total."""
    for lever in study.levers:
        for column in COLUMNS:
            change = getattr(lever, column)
            if change is not None:
                yield _row(lever.name, lever.kind, column, change)
    for column in ("first", "last"):
        rest = study.interaction(column)
        if rest is not None:
            yield {"lever": "interaction", "kind": "", "column": column, **rest}
    if study.together is not None:
        yield _row("all together", "", "", study.together)


def _row(name: str, kind: str, column: str, change: Change) -> dict[str, Any]:
    flat = {key: getattr(change, key) for key in ("carbon_kg", "average_kg", "marginal_kg", "cost")}
    flat |= {f"{part}_cost": value for part, value in change.parts.items()}
    flat |= {key: getattr(change, key) for key in ("peak_mw", "goal", "low", "high")}
    return {"lever": name, "kind": kind, "column": column, **flat}


def write(study: Levers, output: Path) -> None:
    """Write the study to a file; the suffix gives the format."""
    if output.suffix == ".json":
        output.write_text(json.dumps(study.summary(), indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")
        return
    table = list(rows(study))
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, max(table, key=len, default={}))
        writer.writeheader()
        writer.writerows(table)
