"""Commands ``emberline pareto`` and ``emberline front``: carbon, or another metric, against cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.command import case_of, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Cluster, Force, Named, Quiet, argument, optional

if TYPE_CHECKING:
    pass


def pareto(
    scenario: Named,
    points: int = optional("points of the front, including both ends", min=2, max=101, default=11),
    metric: str = optional("what is traded against cost, such as carbon or water", default="carbon"),
    changes: Changes = None,
    workers: int = optional("processes that search in parallel", min=1, max=256, default=1),
    cluster: Cluster = None,
    output: Path | None = optional("write the points to a .csv, .json or .nc", "FILE", "--output", "-o"),
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search the trade-off between carbon, or another metric, and cost: plans from the cleanest to the cheapest.

    The scenario's gap and effort apply to each search; its goal and its cap on extra cost do not. Ctrl-C keeps
    the points found so far; press it twice to give up.
    """
    case = case_of(scenario, changes)
    from emberline.runs.store import fronts

    if output is not None:
        writable(output, force, fronts.FORMATS)
    from emberline.studies.pareto import Axis
    from emberline.studies.pareto import pareto as search
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    work = partial(search, case, points, metric=metric, workers=workers, cluster=cluster)
    says = partial(printing.front_step, case, Axis(metric))
    front = study(work, "keeping the points found so far", quiet, cluster, says)
    stored = fronts.save(front)
    if output is not None:
        with writing(output):
            fronts.write(front, output)
    printing.say_front(stored, as_json)
    raise typer.Exit(0 if front.has_points else 1)


def front(
    number: Annotated[str, argument("id of a front, its first digits, or 'last'", "FRONT")] = "last",
    as_json: AsJson = False,
) -> None:
    """Show a stored front."""
    from emberline.runs.store import fronts
    from emberline.ui.cli.studies import printing

    printing.say_front(fronts.read(number), as_json)
