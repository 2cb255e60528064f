"""Command ``emberline roll``: planning as time goes on, with the forecasts as they were issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Named, Quiet, Refused, print_json, refusing

if TYPE_CHECKING:
    from emberline.studies.rolling import Comparison


def roll(
    scenario: Named,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="start: a date, or a time with its offset")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="end: a date (included), or a time as above"),
    ] = None,
    every: Annotated[
        list[str] | None,
        typer.Option(
            "--every", metavar="SPAN", help="planning interval, such as 1h; may be repeated to compare several"
        ),
    ] = None,
    look_ahead: Annotated[
        str, typer.Option("--look-ahead", metavar="SPAN", help="at least this far, to the end of that day")
    ] = "48h",
    frozen: Annotated[
        str,
        typer.Option(
            "--frozen", metavar="SPAN", help="the previous plan is kept for this long after each planning time"
        ),
    ] = "0h",
    keep: Annotated[
        str,
        typer.Option("--keep", metavar="SHARE", help="keep the previous plan if a new one is better by less than this"),
    ] = "0.1%",
    replication: Annotated[
        int | None,
        typer.Option("--replication", min=0, metavar="N", help="add disturbances to the line, with this replication"),
    ] = None,
    foresight: Annotated[bool, typer.Option(help="also roll with perfect foresight")] = True,
    changes: Changes = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Roll through a period: the twin is the plant; each plan knows its state and the forecasts issued by then.

    Reports the gain over the baseline and the regret against a single plan with perfect foresight, with 90 %
    intervals, and the cost of planning less often. The exit code is 1 if a limit was missed.
    """
    from emberline.planning.engine import memory
    from emberline.scenarios.records.quantity import convert
    from emberline.studies.rolling import How, compare, load_span, refuse
    from emberline.ui.cli.terminal import study

    spans = [_minutes("--every", text) for text in every or ["1h"]]
    if len(set(spans)) < len(spans):
        raise Refused("--every: the same span is given twice")
    with refusing("--keep "):
        share = convert(keep, "")
    if not 0 <= share < 1:
        raise Refused(f"--keep {keep}: must be a share from 0 to below 100 %")
    case = load_span(scenario, changes or [], start, end)
    how = How(spans[0], _minutes("--look-ahead", look_ahead), _minutes("--frozen", frozen), share)
    for minutes in spans:
        refuse(case, How(minutes, how.look_ahead_min, how.frozen_min, share), disturbed=replication is not None)
    memory.refuse(memory.of_plan(case), case.name)

    def work(tell: Any, wish: Any) -> Comparison:
        def on_step(name: str, step: Any) -> None:
            if step is None:
                tell(f"{name}: one plan over the whole period")
                return
            at = case.horizon.instant(step.at_min)
            change = "new plan" if step.adopted else "unchanged"
            tell(f"{name}, {at:%Y-%m-%d %H:%M}: {step.status}, {change}")

        return compare(case, how, spans[1:], foresight=foresight, replication=replication, on_step=on_step, cancel=wish)

    comparison = study(work, "ending with the plans made so far", quiet)
    if as_json:
        print_json(comparison.summary())
    else:
        _show(comparison)
    raise typer.Exit(1 if comparison.rolled.violations else 0)


def _minutes(option: str, text: str) -> float:
    from emberline.scenarios.records.quantity import convert

    if not text.strip().lower().endswith(("h", "min", "d", "day", "days")):
        raise Refused(f"{option} {text!r}: write a number with its unit, such as 1h or 90min")
    with refusing(f"{option} "):
        return round(convert(text, "min"), 6)


def _show(comparison: Comparison) -> None:
    from emberline.reports.text import wording
    from emberline.reports.text.studies import roll_says, side_rows
    from emberline.ui.cli import terminal

    console, scenario, result = terminal.out(), comparison.scenario, comparison.summary()
    for line in terminal.heading(scenario):
        console.print(line)
    console.print()
    console.print(terminal.table_of(side_rows(result)), soft_wrap=True)
    console.print()
    for line in roll_says(result):
        console.print(line)
    for violation in comparison.rolled.violations[:10]:
        console.print(f"  {wording.violation(violation, scenario.horizon)}")
