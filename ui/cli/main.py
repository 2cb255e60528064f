"""Command ``emberline``. Heavy imports wait until a command needs them, so that help appears at once.

Exit codes: 0 done; 1 no acceptable plan (the run is stored and says why); 2 invalid input (one line per mistake on
standard error, nothing written); 3 an internal error of Emberline; 130 interrupted with Ctrl-C.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from emberline.ui.cli import faults, serve
from emberline.ui.cli.answers import why
from emberline.ui.cli.command import Refused, as_asked, case_of, of_searches, opened, print_json
from emberline.ui.cli.files import live, runs, series_import, signals
from emberline.ui.cli.options import AsJson, Changes, Named, Quiet, Run, flag, optional
from emberline.ui.cli.studies import calibrate, hold, sweep
from emberline.ui.cli.supervision import performance, report

if TYPE_CHECKING:
    from emberline.planning.plan import Baseline, Plan
    from emberline.planning.plan.alternatives import AsRun
    from emberline.scenarios import Case

REFUSALS = {"StoreError", "EvidenceError", "TemplateError", "CannotExport"}
"""Errors that say in one line what is wrong with a request."""

app = typer.Typer(
    name="emberline",
    help="Decides when to use energy: simulates the plant, optimizes the schedule, proves the plan.",
    epilog="Exit codes: 0 done, 1 no acceptable plan (the run is stored), 2 invalid input, 3 an internal error of "
    "Emberline. Runs are stored in EMBERLINE_HOME or the user's data folder.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the bundled scenarios."""
    from emberline.scenarios import bundled, load

    scenarios = [load(name) for name in bundled()]
    if as_json:
        print_json(
            [
                {
                    "name": s.name,
                    "title": s.title,
                    "heats": len(s.heats),
                    "units": len(s.process_units),
                    "description": s.description,
                }
                for s in scenarios
            ]
        )
        return
    width = max(len(scenario.name) for scenario in scenarios)
    for scenario in scenarios:
        print(f"{scenario.name:<{width}}  {scenario.title}")


@app.command()
def check(scenario: Named, changes: Changes = None) -> None:
    """Describe a scenario, with remarks on unusual values, or list its mistakes, one line each."""
    from emberline.reports.text import facts
    from emberline.reports.text.wording import filled
    from emberline.scenarios.checking import to_the_minute
    from emberline.ui.cli.terminal import heading

    case = case_of(scenario, changes)
    to_the_minute.refuse(case)
    print(*heading(case), *facts.lines(case), sep="\n")
    for name, series in case.inputs.data_vars.items():
        if series.attrs.get("source") == "none":
            continue
        values = series.to_numpy()
        unit = series.attrs["units"].format(currency=case.market.currency)
        unit = f" {unit}" if unit else ""
        print(f"series {name}: {values.min():g} to {values.max():g}{unit}, from {series.attrs.get('source', '')}")
    for line in (*filled(case), *signals.ages(case), *(f"odd: {line}" for line in facts.odd(case))):
        print(line)
    from emberline.studies.why import quick

    lacking = quick.shortages(case)
    if lacking:
        reply = why.at_once(scenario, list(changes or []))
        raise Refused(*(f"{case.name}: no plan is possible: {line}" for line in lacking), *why.repair_lines(reply))
    for line in why.doubts(case, scenario, list(changes or [])):
        print(line)
    print("no mistake found")


@app.command()
def simulate(scenario: Named, changes: Changes = None, as_json: AsJson = False) -> None:
    """Simulate the baseline run, undisturbed."""
    from emberline import twin
    from emberline.planning.accounts import sums
    from emberline.planning.answer import figure_totals
    from emberline.planning.plan import violations
    from emberline.reports.text import wording
    from emberline.scenarios.goal_metrics import goal_metric
    from emberline.ui.cli import terminal

    case = case_of(scenario, changes)
    run = twin.simulate(case)
    figures = sums.figures(case, run)
    missed = violations(run)
    if as_json:
        print_json({"scenario": case.name, "baseline": figures.summary() | {"violations": missed}})
        return
    print(*terminal.heading(case), "", sep="\n")
    for row in figure_totals(figures, None, goal_metric(case).money):
        print(f"{row.label:<22}{row.cells[0]:>12}  {row.unit}")
    print(f"\nlimits missed: {len(missed) or 'none'}")
    for violation in missed:
        print(f"  {wording.violation(violation, case.horizon)}")


@app.command()
def plan(
    scenario: Named,
    changes: Changes = None,
    gap: str | None = optional("stop at this gap, such as 0.5%", "SHARE"),
    time_limit: float | None = optional("stop after this time, whatever effort is left", "SECONDS"),
    effort: float | None = optional("how long to search: units of about a second of an idle laptop", "UNITS"),
    stored: bool = flag("begin with stored plans of the same orders; the best stays unless beaten", "--stored"),
    no_regret: bool = flag("least carbon, cost not above the baseline's", "--no-regret"),
    least_cost: bool = flag("least cost, whatever the goal is", "--least-cost"),
    as_run: Path | None = optional("compare with the day as it was run, by the plant's heat log", "LOG.csv"),
    meter: Path | None = optional("with --as-run: the metered power of line and base load", "METER.csv"),
    no_hold: bool = flag("do not make it hold on disturbed days (goal.hold=off)", "--no-hold"),
    repair: bool = flag("if there is no plan, apply the first repair of why-not and plan again", "--repair"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a plan, verify it in the twin and store it.

    Where the scenario describes disturbances, the plan holds on 90 % of disturbed days if it can (goal.hold).

    Ctrl-C takes the best plan found so far; press it twice to give up.
    """
    changes = [*(changes or []), *of_searches(gap, time_limit)]
    if effort is not None:
        changes.append(f"goal.effort={effort}")
    from emberline.planning.answer import OVERRIDES, costs_more, summary
    from emberline.planning.plan.alternatives import LEAST_COST, NO_REGRET

    if no_regret and least_cost:
        raise Refused("--no-regret and --least-cost are two plans; ask for one")
    if meter is not None and as_run is None:
        raise Refused("--meter needs --as-run, the heat log of the same day")
    changes += OVERRIDES[NO_REGRET] if no_regret else OVERRIDES[LEAST_COST] if least_cost else []
    hold_off = ["goal.hold=off"] if no_hold else []
    case = case_of(scenario, [*changes, *hold_off])
    from emberline.planning.engine import memory
    from emberline.planning.plan import pace
    from emberline.runs.store import Store
    from emberline.ui.cli import terminal
    from emberline.ui.cli.terminal import make

    memory.refuse(memory.of_plan(case), case.name)
    pace.refuse(case)

    store = Store()

    def saved(request: Case, changed: tuple[str, ...] = ()) -> tuple[str, Plan, Path]:
        baseline, day = (None, None) if as_run is None else _as_run(request, as_run, meter)
        with store.working(request) as run:
            plan = dataclasses.replace(
                make(request, quiet, store if stored else None, baseline), as_run=day, repair=changed
            )
            return run, plan, store.save(run, plan)

    for line in () if quiet else why.doubts(case, scenario, changes):
        print(line, file=sys.stderr)
    run, plan, folder = saved(case)
    reason = None
    if not plan.has_schedule and plan.status != "cancelled":
        reason = why.at_once(scenario, changes)
        if not quiet:
            for line in why.lines(reason):
                print(line, file=sys.stderr)
        reason = why.after_plan(plan, reason, scenario, changes, quiet, whole=repair)
        if repair and reason.repair is not None:
            applied = reason.repair
            print(f"planning again with {'; '.join(applied.says)}", file=sys.stderr)
            changes, reason = [*changes, *applied.overrides], None
            run, plan, folder = saved(case_of(scenario, [*changes, *hold_off]), applied.says)
    if as_json:
        parts = {} if reason is None else {"why_not": reason.summary()}
        print_json({"run": run, "folder": str(folder), **plan.summary(), "answer": summary(plan), **parts})
    else:
        terminal.show(terminal.out(), plan, run, folder, as_asked(scenario, changes))
        for line in () if reason is None else why.lines(reason):
            print(line, file=sys.stderr)
        if reason is not None and reason.repair is not None and not repair:
            print("apply the first repair   emberline plan --repair, with the same options")
        elif reason is not None and reason.repairs and repair:
            print("no repair applied        each leaves out what is to be delivered; choose one with --set")
        print("\nopen it in the browser  emberline app")
        point = next((choice.name for choice in plan.choices if choice.is_plan), None)
        if point != NO_REGRET and (costs_more(plan) or any(choice.name == NO_REGRET for choice in plan.choices)):
            print("cost not above baseline emberline plan --no-regret, with the same options")
        if point is not None and point != LEAST_COST:
            print("least cost              emberline plan --least-cost, with the same options")
        if plan.has_schedule:
            print("export it               emberline export last")
    raise typer.Exit(0 if plan.acceptable else 1)


for command in (*sweep.COMMANDS, *why.COMMANDS, *hold.COMMANDS, *calibrate.COMMANDS):
    app.command()(command)
app.command()(series_import.new)
app.command("import")(series_import.bring_in)
app.command()(runs.export)
app.command()(performance.performance)
app.command("app")(serve.open_app)
app.add_typer(runs.app, name="runs")
app.add_typer(signals.app, name="signals")
app.add_typer(live.app, name="live")
app.add_typer(report.app, name="report")


@app.command()
def show(run: Run = "last", as_json: AsJson = False) -> None:
    """Show a stored run."""
    from emberline.planning.answer import summary
    from emberline.ui.cli import terminal

    stored = opened(run)
    if as_json:
        print_json(
            {"run": stored.id, "folder": str(stored.folder), **stored.plan.summary(), "answer": summary(stored.plan)}
        )
    else:
        terminal.show(terminal.out(), stored.plan, stored.id, stored.folder)


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenarios, for editors."""
    from emberline.scenarios import Scenario, descriptions

    schema = descriptions.schema(Scenario)
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Emberline scenario"})


def _as_run(case: Case, log: Path, meter: Path | None) -> tuple[Baseline, AsRun]:
    """The baseline of a heat log, and what it is."""
    from emberline.planning.plan.alternatives import as_run
    from emberline.scenarios.loading import heat_log
    from emberline.scenarios.loading import meter as meters

    return as_run(case, heat_log.read(log, case), None if meter is None else meters.read(meter, case))


def _fail(code: int, *lines: str) -> NoReturn:
    for line in lines:
        print(line, file=sys.stderr)
    raise SystemExit(code)


def _internal(error: Exception) -> NoReturn:
    """Print one line and where the details are; with EMBERLINE_DEBUG, print the details."""
    import traceback
    from datetime import UTC, datetime

    if os.environ.get("EMBERLINE_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error)
        raise SystemExit(3)
    text = f"error in Emberline: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    try:
        from emberline.runs.store import Store

        folder = Store.default_folder() / "errors"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
        details = "".join(traceback.format_exception(error))
        path.write_text(f"emberline {' '.join(sys.argv[1:])}\n\n{details}", encoding="utf-8")
        _fail(3, text, f"details: {path}")
    except (OSError, ImportError):
        _fail(3, text, "details: set EMBERLINE_DEBUG=1 and try again")


def main() -> None:
    """Run a command; turn errors into lines of text and exit codes."""
    gc.set_threshold(50_000, 20, 50)  # what is loaded stays: looking through it again takes a tenth of the start
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = app(standalone_mode=False, prog_name="emberline")
        sys.stdout.flush()
    except Refused as error:
        _fail(2, *error.lines)
    except (BrokenPipeError, SystemExit):  # typer makes the first into the second, and has no other use for it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has closed the pipe; print nothing at exit either
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        print("given up", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # a search may still run in another thread
    except typer.Abort:
        _fail(2, "given up")
    except Exception as error:  # users see lines of text, never a stack trace
        message = getattr(error, "format_message", None)  # the command line itself was wrong
        if message is not None:
            _fail(2, " ".join(message().split()).replace("Value error, ", "") or "see emberline --help")
        problems = getattr(error, "problems", None)
        if problems is not None:
            _fail(2, *map(str, problems))
        kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: the store is not loaded for every command
        if not REFUSALS.isdisjoint(kinds):
            _fail(3 if "NotKeptError" in kinds else 2, str(error))
        if line := faults.in_words(error):
            _fail(3, line)
        _internal(error)
    raise SystemExit(code or 0)
