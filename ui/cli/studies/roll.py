"""The command ``emberline roll``: planning as time goes on, on the forecasts as they were issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Named, Refused, print_json
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from emberline.plans.rolling import Comparison, Difference, Rolled


def roll(
    scenario: Named,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="begin: a date, or a time with its offset")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="end: a date (its day included), or a time as above"),
    ] = None,
    every: Annotated[
        list[str] | None,
        typer.Option("--every", metavar="SPAN", help="plan so often, such as 1h; more of them are rolled beside it"),
    ] = None,
    look_ahead: Annotated[
        str, typer.Option("--look-ahead", metavar="SPAN", help="at least so far, to the end of that day")
    ] = "48h",
    frozen: Annotated[
        str, typer.Option("--frozen", metavar="SPAN", help="so long after a moment the plan before stands")
    ] = "0h",
    keep: Annotated[
        str, typer.Option("--keep", metavar="SHARE", help="a plan that is better by less is no reason to change")
    ] = "0.1%",
    replication: Annotated[
        int | None, typer.Option("--replication", min=0, metavar="N", help="disturbed, on this luck of the line")
    ] = None,
    foresight: Annotated[bool, typer.Option(help="roll with everything known, too")] = True,
    changes: Changes = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Roll through a time: the twin is the plant, each plan knows its state and the forecasts issued by then.

    Reported are the gain against the baseline and the regret against one plan that knew everything, with 90 %
    intervals, and what planning less often costs. The exit code is 1 where a limit was missed."""
    from emberline.plans.jobs import memory
    from emberline.plans.rolling import How, compare, load_span, refuse
    from emberline.scenarios.records.quantity import convert
    from emberline.ui.cli.progress import study

    spans = [_minutes("--every", text) for text in every or ["1h"]]
    if len(set(spans)) < len(spans):
        raise Refused("--every: the same span is given twice")
    try:
        share = convert(keep, "")
    except ValueError as error:
        raise Refused(f"--keep {error}") from None
    if not 0 <= share < 1:
        raise Refused(f"--keep {keep}: a share from 0 to below 100 %")
    asked = load_span(scenario, changes or [], start, end)
    how = How(spans[0], _minutes("--look-ahead", look_ahead), _minutes("--frozen", frozen), share)
    for minutes in spans:
        refuse(asked, How(minutes, how.look_ahead_min, how.frozen_min, share), disturbed=replication is not None)
    memory.refuse(memory.of_plan(asked), asked.name)

    def work(tell: Any, wish: Any) -> Comparison:
        def on_step(name: str, step: Any) -> None:
            if step is None:
                tell(f"{name}: one plan over the whole")
                return
            at = asked.horizon.instant(step.at_min)
            change = "laid in" if step.laid else "nothing changed"
            tell(f"{name}, {at:%Y-%m-%d %H:%M}: {step.status}, {change}")

        return compare(
            asked, how, spans[1:], foresight=foresight, replication=replication, on_step=on_step, cancel=wish
        )

    made = study(work, "ending with the plans made so far", quiet)
    if as_json:
        print_json(made.summary())
    else:
        _show(made)
    raise typer.Exit(1 if made.rolled.violations else 0)


def _minutes(option: str, text: str) -> float:
    from emberline.scenarios.records.quantity import convert

    if not text.strip().lower().endswith(("h", "min", "d", "day", "days")):
        raise Refused(f"{option} {text!r}: write a number with its unit, such as 1h or 90min")
    try:
        return round(convert(text, "min"), 6)
    except ValueError as error:
        raise Refused(f"{option} {error}") from None


def _show(made: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from emberline.scenarios.reading.issued_forecasts import uncertain
    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console, scenario, rolled = terminal.out(), made.scenario, made.rolled
    for line in terminal.heading(scenario):
        console.print(Text(line))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    money = scenario.market.currency
    for name in ("carbon [t CO2e]", f"cost [{money}]", "peak [MW]", "plans", "changed", "moved [MWh]", "limits missed"):
        table.add_column(Text(name), justify="right", no_wrap=True)

    def row(name: str, sums: Any, *cells: str) -> None:
        told = (
            wording.number(sums.carbon_kg / 1000, 2), wording.number(sums.cost, 0), wording.number(sums.peak_mw, 1)
        )  # fmt: skip
        table.add_row(Text(name), *told, *(cells or [""] * 4))

    def side(name: str, one: Rolled) -> None:
        laid = sum(step.laid for step in one.steps)
        moved = wording.number(sum(step.moved_mwh for step in one.steps), 1)
        row(name, one.figures, str(len(one.steps)), str(laid), moved, str(len(one.violations)))

    row("baseline", made.baseline.figures)
    for other in made.others:
        side(f"roll, every {_span(other)}", other)
    side(f"roll, every {_span(rolled)}", rolled)
    if made.foresight is not None:
        side(f"with foresight, every {_span(rolled)}", made.foresight)
    if made.best is not None:
        missed = str(made.best.run.sizes["violation"])
        row("one plan with foresight", made.best.figures, "1", "", "", missed)
    console.print(table, soft_wrap=True)
    console.print()
    for name, text in _facts(made):
        console.print(Text.assemble((f"{name:<24}", "bold"), text))
    told = ", ".join(uncertain(scenario)) or "none: everything is known in advance"
    console.print(Text.assemble((f"{'forecasts':<24}", "bold"), told))
    for found in rolled.violations[:10]:
        console.print(Text(f"  {wording.violation(found, scenario.horizon)}"))


def _facts(made: Comparison) -> list[tuple[str, str]]:
    from emberline.ui.text import wording

    best, rolled = made.perfect, made.rolled
    facts = []
    gain = made.gain
    no_gain = "it does not make or serve the same"
    facts.append(("gain against baseline", no_gain if gain is None else _words(made, gain)))
    regret = made.regret()
    if regret is None:
        facts.append(("regret", f"no plan with foresight was found: {best.reason or best.status}"))
    else:
        facts.append(("regret", f"{_words(made, regret)}; that plan: {best.status}, gap {wording.percent(best.gap)}"))
    if made.not_knowing is not None:
        facts.append(("of it not knowing", _words(made, made.not_knowing)))
    for other, more in made.less_often():
        facts.append((f"every {_span(other)} instead", f"{_words(made, more)} more"))
    money = made.scenario.market.currency
    units = {
        "carbon_kg": ("cap on carbon", 1e-3, "t CO2e"),
        "cost": ("cap on cost", 1.0, money),
        "extra_cost": ("cap on extra cost", 1.0, money),
    }
    for name, (value, cap) in made.caps().items():
        label, factor, unit = units[name]
        over = value > cap + 1e-6 * max(abs(cap), 1.0)
        by = wording.number(abs(value - cap) * factor, 2)
        facts.append((label, f"{'exceeded' if over else 'kept'} by {by} {unit}"))
    if rolled.unplanned:
        facts.append(("no plan found", f"{rolled.unplanned} of {len(rolled.steps)} times; what was there went on"))
    return facts


def _words(made: Comparison, told: Difference) -> str:
    from emberline.ui.text import wording

    unit, factor, digits = wording.measure(made.scenario)
    text = f"{wording.number(told.total * factor, digits)} {unit} ({wording.percent(told.share)})"
    if told.interval is None:
        return text
    low, high = (wording.number(value * factor, digits) for value in told.interval)
    return f"{text}, 90 %: {low} to {high}"


def _span(rolled: Rolled) -> str:
    minutes = rolled.how.every_min
    return f"{minutes:g} min" if minutes % 60 else f"{minutes / 60:g} h"
