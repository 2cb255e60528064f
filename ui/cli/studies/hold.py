"""Commands ``emberline replay`` and ``emberline hold``: a plan on many disturbed days, and one that holds on most.

With ``--samples`` a site is planned over samples of prices and intensities."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from emberline.ui.cli.answers import why
from emberline.ui.cli.command import Refused, at_work, case_of, one_place, opened, print_json, print_result
from emberline.ui.cli.options import AsJson, Changes, Cluster, Named, Quiet, Run, Workers, flag, optional

if TYPE_CHECKING:
    from emberline.planning.robustness import Ensemble
    from emberline.planning.robustness.holding import Robustness
    from emberline.scenarios import Case


def replay(
    run: Run = "last",
    replications: int = optional("disturbed days", None, "--replications", "-n", min=1, max=100_000, default=1000),
    seed: int | None = optional("random seed", min=0, max=2**63 - 1, show_default="the scenario's"),
    baseline: bool = flag("replay the baseline too, with the same disturbances", "--baseline"),
    planned_again: bool = flag(
        "each day also with the plan made again as goal.replan says (heats only)", "--planned-again"
    ),
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Replay a stored plan on many disturbed days: how often it holds, and what breaks it.

    The same number of replications gives the same result with any number of workers. Ctrl-C keeps the replays done
    so far; press it twice to give up.
    """
    one_place(workers, cluster)
    stored = opened(run)
    scenario, schedule, seconds = stored.plan.scenario, stored.plan.schedule, dict[str, float]()
    if schedule is None:
        raise Refused(f"run {stored.id} has no schedule to follow: {stored.plan.verdict}")
    import time

    from emberline import twin
    from emberline.planning.engine import engine
    from emberline.planning.robustness import ensemble as replays
    from emberline.runs.store import ensembles
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    replays.refuse(scenario, schedule, replications, 0 if cluster else workers or engine.cores())

    def work(on_progress: Any, cancel: Any) -> Ensemble | None:
        began, tenths = time.perf_counter(), [0]

        def tell(event: dict[str, Any]) -> None:
            tenth = 10 * event["done"] // event["of"]
            if tenth > tenths[0]:
                tenths[0] = tenth
                on_progress(f"{event['done']} of {event['of']}, held in {event['held']}")

        how: dict[str, Any] = {"seed": seed, "planned_again": planned_again, "on_progress": tell, "cancel": cancel}
        with engine.engine(workers, cluster) as ready:
            seconds["start"] = time.perf_counter() - began
            on_progress(f"{replications} disturbed replays, {at_work(ready.workers)}")
            how["dispatched"] = twin.dispatch(scenario, stored.plan.envelope) if baseline else None
            began = time.perf_counter()
            result = replays.ensemble(scenario, schedule, replications, ready, **how)
            seconds["replays"] = time.perf_counter() - began
        return result

    ensemble = study(work, "keeping the replays done so far", quiet, cluster)
    if ensemble is None:
        print("no replay was finished: nothing is stored", file=sys.stderr)
        raise typer.Exit(130)
    path = ensembles.save(ensemble, stored)
    if as_json:
        times = {name: round(value, 3) for name, value in seconds.items()}
        again = {} if ensemble.other is None else {"planned_again": ensemble.other.summary()}
        print_json(
            {"run": stored.id, "file": str(path), **ensemble.summary(stored.plan.replay), **again, "seconds": times}
        )
    else:
        printing.show_replays(ensemble, stored, str(path), seconds)


def _sample(scenario: Case, count: int, share: float | None, as_json: bool, quiet: bool) -> None:
    """Plan over samples, compare with the plan on the forecast, and report."""
    from emberline.planning.robustness.holding import sampled
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    work = partial(sampled.compare, scenario, count, share=share)
    print_result(study(work, "taking the best first stage found so far", quiet), as_json, printing.show_samples)


def hold(
    scenario: Named,
    changes: Changes = None,
    level: str | None = optional(
        "share of disturbed days on which it must hold", "SHARE", show_default="disturbances.hold, or 90 %"
    ),
    replications: int = optional(
        "disturbed days for the final judgement", None, "--replications", "-n", min=20, max=100_000, default=1000
    ),
    time_limit: float = optional("for the search; the judgement comes on top", "SECONDS", min=10, default=300.0),
    samples: int | None = optional("for a site: plan over this many samples of price and intensity", min=2, max=200),
    cvar: str | None = optional("with --samples: minimize the mean of the worst cases beyond this share", "SHARE"),
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a plan that meets every limit on a share of disturbed days, and report its price.

    It is judged on days that no search has seen, and stored as a run. The exit code is 1 if it does not hold. Ctrl-C
    takes the plan that held best so far. With --samples, the decisions that a site must fix in advance are planned
    over many samples.
    """
    one_place(workers, cluster)
    target = None if level is None else _share("--level", level)
    case = case_of(scenario, changes)
    if samples is not None:
        if level is not None:
            raise Refused("--level: samples vary prices only, nothing breaks down; drop it, or drop --samples")
        _sample(case, samples, None if cvar is None else _share("--cvar", cvar), as_json, quiet)
        return
    if cvar is not None:
        raise Refused("--cvar: needs --samples")
    from emberline.planning.engine import engine, memory
    from emberline.planning.plan import pace
    from emberline.planning.robustness.holding import MAX_LEVEL, refuse
    from emberline.planning.robustness.holding import hold as search
    from emberline.runs.store import Store, ensembles
    from emberline.ui.cli.studies import printing
    from emberline.ui.cli.terminal import study

    if target is not None and target > MAX_LEVEL:
        raise Refused(f"--level {level}: at most {MAX_LEVEL:.1%}")
    refuse(case)
    memory.refuse(memory.of_plan(case), case.name)
    pace.refuse(case)

    def work(on_progress: Any, cancel: Any) -> Robustness:
        how: dict[str, Any] = {"level": target, "replications": replications, "work": time_limit, "cancel": cancel}
        with engine.engine(workers, cluster) as ready:
            on_progress(f"the plan as requested; replays {at_work(ready.workers)}")
            return search(case, ready, **how, on_progress=partial(_tell, on_progress))

    store = Store()
    with store.working(case) as run:
        result = study(work, "taking the plan that held best so far", quiet, cluster)
        folder = ensembles.save_holding(store, run, result)
    reason = None
    if result.status == "no plan":
        overrides = list(changes or [])
        reason = why.after_plan(result.robust, why.at_once(scenario, overrides), scenario, overrides, quiet)
    if as_json:
        more = {} if reason is None else {"why_not": reason.summary()}
        print_json({"run": run, "folder": str(folder), "scenario": case.name, **result.summary(), **more})
    else:
        for line in () if reason is None else why.lines(reason):
            print(line, file=sys.stderr)
        printing.show_robustness(result)
        print(f"\nrun       {run}\nfolder    {folder}")
    raise typer.Exit(0 if result.holds else 1)


def _share(option: str, text: str) -> float:
    """A share between 0 and 1, such as 0.9 or 90 %."""
    from emberline.scenarios.records.quantity import convert

    with suppress(ValueError):
        share = float(text) if "%" not in text else round(convert(text, ""), 9)
        if 0 < share < 1:
            return share
    raise Refused(f"{option} {text}: must be a share between 0 and 1, such as 0.9 or 90%")


def _tell(tell: Any, event: dict[str, Any]) -> None:
    if event["phase"] == "round":
        margins = ", ".join(f"{name} {value:g}" for name, value in event["margins"].items())
        outcome = f"held in {event['held']} of {event['of']}" if event["of"] else f"no plan ({event['status']})"
        tell(f"round {event['round']}: {margins}: {outcome}")
    elif event["phase"] == "judge":
        tell(f"judged on {event['of']} new days")


COMMANDS = (replay, hold)
