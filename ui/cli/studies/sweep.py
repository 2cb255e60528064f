"""Commands that make many plans: ``emberline sweep``, ``headroom``, ``roll``, ``pareto``, ``front`` and ``levers``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from emberline.ui.cli.command import Refused, at_work, case_of, of_searches, one_place, print_result, writable, writing
from emberline.ui.cli.options import (
    AsJson,
    Changes,
    Cluster,
    Force,
    Named,
    Quiet,
    SearchGap,
    SearchTime,
    Workers,
    argument,
    flag,
    minutes_of,
    optional,
    quantity_of,
    share_of,
)

if TYPE_CHECKING:
    from emberline.studies import Headroom, Sweep
    from emberline.studies.levers import Change, Levers
    from emberline.studies.rolling import Comparison


def headroom(
    scenario: Named,
    changes: Changes = None,
    loads: list[str] | None = optional(
        "order load, such as 80%; default: 50 % to 100 % in steps of ten", "SHARE", "--load"
    ),
    threshold: str = optional("smallest saving that counts, as a share of the baseline figure", "SHARE", default="1%"),
    replications: int | None = optional("disturbed replays of each plan", "N", min=0),
    gap: SearchGap = None,
    time_limit: SearchTime = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plan a scenario at 50 to 100 % of its order load: the saving at each load, and where flexibility ends.

    Heats are removed evenly while casts stay complete; deliveries are scaled. Ctrl-C keeps the loads planned so far.
    The exit code is 1 if no plan is acceptable.
    """
    one_place(workers, cluster)
    from emberline.planning.engine import engine, memory
    from emberline.studies import headroom as rooms
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    fixed = [*(changes or []), *of_searches(gap, time_limit)]
    fixed += [] if replications is None else [f"disturbances.replications={replications}"]
    case = case_of(scenario, fixed)
    least = share_of("--threshold", threshold)
    shares = rooms.checked(case, [share_of("--load", text) for text in loads or []] or rooms.LOADS)
    if workers is None and cluster is None:
        workers = min(engine.cores(), len(shares))
    at_once = min(workers or 1, len(shares))
    hint = "use fewer --workers" if at_once > 1 else ""
    memory.refuse(memory.of_plan(case) * at_once, f"{case.name} ({at_once} at a time)", hint)

    def work(on_progress: Any, cancel: Any) -> Headroom:
        with engine.engine(workers, cluster) as ready:
            on_progress(f"{len(shares)} loads, {at_work(ready.workers)}")
            tell = _counted(on_progress, lambda event: printing.load_in_words(event["load"]))
            return rooms.headroom(case, ready, shares, threshold=least, on_progress=tell, cancel=cancel)

    curve = study(work, "keeping the loads planned so far", quiet, cluster)
    print_result(curve, as_json, printing.show_headroom)
    raise typer.Exit(0 if any(load.acceptable for load in curve.loads) else 1)


def _counted(tell: Any, text: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], None]:
    """Tell each event by its number and in words."""
    return lambda event: tell(f"{event['done']} of {event['of']}: {text(event)}")


def sweep(
    scenario: Named,
    changes: list[str] | None = optional(
        "values of a key; without brackets: the same value for all plans", "KEY=[VALUE, …]", "--set"
    ),
    gap: SearchGap = None,
    time_limit: SearchTime = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plan a scenario for every combination of some values; each plan is a stored run.

    Ctrl-C keeps what is done: plans in progress are dropped, finished ones are stored. The exit code is 1 if no plan
    is acceptable.
    """
    one_place(workers, cluster)
    from emberline.studies import sweep as sweeps

    along, same = sweeps.axes([*(changes or []), *of_searches(gap, time_limit)])
    settings = sweeps.settings(scenario, along, same)
    from emberline.planning.engine import engine
    from emberline.runs.store import Store
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    if workers is None and cluster is None:
        workers = min(engine.cores(), len(settings))
    sweeps.refuse(settings, workers or 1)

    def work(on_progress: Any, cancel: Any) -> Sweep:
        with engine.engine(workers, cluster) as ready:
            on_progress(f"{len(settings)} plans, {at_work(ready.workers)}")
            tell = _counted(on_progress, lambda event: printing.row_in_words(event["row"]))
            return sweeps.sweep(along, settings, ready, Store(), on_progress=tell, cancel=cancel)

    sweep = study(work, "keeping the plans made so far", quiet, cluster)
    print_result(sweep, as_json, printing.show_sweep, file=str(sweep.path))
    raise typer.Exit(0 if any(row.acceptable for row in sweep.rows) else 1)


def roll(
    scenario: Named,
    start: str | None = optional("start: a date, or a time with its offset", "TIME", "--from"),
    end: str | None = optional("end: a date (included), or a time as above", "TIME", "--to"),
    every: list[str] | None = optional("planning interval, such as 1h; may be repeated to compare several", "SPAN"),
    policy: Literal["search", "replan", "follow"] = optional(
        "search: plan again by search; replan: one plan, planned again as goal.replan says; follow: one plan",
        default="search",
    ),
    look_ahead: str = optional("at least this far, to the end of that day", "SPAN", default="48h"),
    frozen: str = optional("the previous plan is kept for this long after each planning time", "SPAN", default="0h"),
    keep: str = optional("keep the previous plan if a new one is better by less than this", "SHARE", default="0.1%"),
    replication: int | None = optional("add disturbances to the line, with this replication", "N", min=0),
    foresight: bool = flag("also roll with perfect foresight", default=True),
    changes: Changes = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Roll through a period: the twin is the plant; each plan knows its state and the forecasts issued by then.

    Reports the gain over the baseline and the regret against a single plan with perfect foresight, with 90 %
    intervals, and the cost of planning less often. The exit code is 1 if a limit was missed.
    """
    from emberline.scenarios.records.replanning import Using
    from emberline.studies.rolling import How, compare, load_span
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    spans = [minutes_of("--every", text) for text in every or ["1h"]]
    if len(set(spans)) < len(spans):
        raise Refused("--every: the same span is given twice")
    share = quantity_of("--keep", keep, "")
    if not 0 <= share < 1:
        raise Refused(f"--keep {keep}: must be a share from 0 to below 100 %")
    if every and policy != "search":
        raise Refused("--every: belongs to --policy search; goal.replan says when a shift plans again")
    case = load_span(scenario, changes or [], start, end)
    ahead_min, frozen_min = minutes_of("--look-ahead", look_ahead), minutes_of("--frozen", frozen)
    how = How(spans[0], ahead_min, frozen_min, share, using=None if policy == "search" else Using(policy))

    def work(on_progress: Any, cancel: Any) -> Comparison:
        def on_step(name: str, step: Any) -> None:
            if step is None:
                on_progress(f"{name}: one plan over the whole period")
                return
            at = case.horizon.instant(step.at_min)
            change = "new plan" if step.adopted else "unchanged"
            on_progress(f"{name}, {at:%Y-%m-%d %H:%M}: {step.status}, {change}")

        more: dict[str, Any] = {"foresight": foresight, "replication": replication}
        return compare(case, how, spans[1:], **more, on_step=on_step, cancel=cancel)

    comparison = study(work, "ending with the plans made so far", quiet)
    print_result(comparison, as_json, printing.show_roll)
    raise typer.Exit(1 if comparison.rolled.violations else 0)


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

    writable(output, force, fronts.FORMATS)
    from emberline.studies.pareto import Axis
    from emberline.studies.pareto import pareto as search
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    work = partial(search, case, points, metric=metric, workers=workers, cluster=cluster)
    text = partial(printing.front_step, case, Axis(metric))
    front = study(work, "keeping the points found so far", quiet, cluster, text)
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

    if text := refused(case):
        raise Refused(f"{case.name}: {text}")
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
        remaining = study.interaction(column)
        if remaining is not None:
            yield {"lever": "interaction", "kind": "", "column": column, **remaining}
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


COMMANDS = (pareto, front, levers, sweep, roll, headroom)
