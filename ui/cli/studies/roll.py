"""Command ``emberline roll``: planning as time goes on, with the forecasts as they were issued."""

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
    try:
        return round(convert(text, "min"), 6)
    except ValueError as error:
        raise Refused(f"{option} {error}") from None


def _show(comparison: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from emberline.scenarios.reading.issued_forecasts import uncertain
    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console, scenario, rolled = terminal.out(), comparison.scenario, comparison.rolled
    for line in terminal.heading(scenario):
        console.print(Text(line))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    money = scenario.market.currency
    for name in ("carbon [t CO2e]", f"cost [{money}]", "peak [MW]", "plans", "changed", "moved [MWh]", "limits missed"):
        table.add_column(Text(name), justify="right", no_wrap=True)

    def row(name: str, sums: Any, *cells: str) -> None:
        figures = (
            wording.number(sums.carbon_kg / 1000, 2), wording.number(sums.cost, 0), wording.number(sums.peak_mw, 1)
        )  # fmt: skip
        table.add_row(Text(name), *figures, *(cells or [""] * 4))

    def side(name: str, one: Rolled) -> None:
        changes = sum(step.adopted for step in one.steps)
        energy = wording.number(sum(step.moved_mwh for step in one.steps), 1)
        row(name, one.figures, str(len(one.steps)), str(changes), energy, str(len(one.violations)))

    row("baseline", comparison.baseline.figures)
    for other in comparison.others:
        side(f"roll, every {_span(other)}", other)
    side(f"roll, every {_span(rolled)}", rolled)
    if comparison.foresight is not None:
        side(f"with foresight, every {_span(rolled)}", comparison.foresight)
    if comparison.best is not None:
        missed = str(comparison.best.run.sizes["violation"])
        row("one plan with foresight", comparison.best.figures, "1", "", "", missed)
    console.print(table, soft_wrap=True)
    console.print()
    for name, text in _facts(comparison):
        console.print(Text.assemble((f"{name:<24}", "bold"), text))
    forecasts = ", ".join(uncertain(scenario)) or "none: everything is known in advance"
    console.print(Text.assemble((f"{'forecasts':<24}", "bold"), forecasts))
    for violation in rolled.violations[:10]:
        console.print(Text(f"  {wording.violation(violation, scenario.horizon)}"))


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    from emberline.ui.text import wording

    best, rolled = comparison.perfect, comparison.rolled
    facts = []
    gain = comparison.gain
    no_gain = "it does not make or serve the same"
    facts.append(("gain against baseline", no_gain if gain is None else _words(comparison, gain)))
    regret = comparison.regret()
    if regret is None:
        facts.append(("regret", f"no plan with foresight was found: {best.reason or best.status}"))
    else:
        facts.append(
            ("regret", f"{_words(comparison, regret)}; that plan: {best.status}, gap {wording.percent(best.gap)}")
        )
    if comparison.not_knowing is not None:
        facts.append(("of which from not knowing", _words(comparison, comparison.not_knowing)))
    for other, more in comparison.less_often():
        facts.append((f"every {_span(other)} instead", f"{_words(comparison, more)} more"))
    money = comparison.scenario.market.currency
    units = {
        "carbon_kg": ("cap on carbon", 1e-3, "t CO2e"),
        "cost": ("cap on cost", 1.0, money),
        "extra_cost": ("cap on extra cost", 1.0, money),
    }
    for name, (value, cap) in comparison.caps().items():
        label, factor, unit = units[name]
        over = value > cap + 1e-6 * max(abs(cap), 1.0)
        by = wording.number(abs(value - cap) * factor, 2)
        facts.append((label, f"{'exceeded' if over else 'kept'} by {by} {unit}"))
    if rolled.unplanned:
        facts.append(("no plan found", f"{rolled.unplanned} of {len(rolled.steps)} times; the previous plan continued"))
    return facts


def _words(comparison: Comparison, difference: Difference) -> str:
    from emberline.ui.text import wording

    unit, factor, digits = wording.measure(comparison.scenario)
    text = f"{wording.number(difference.total * factor, digits)} {unit} ({wording.percent(difference.share)})"
    if difference.interval is None:
        return text
    low, high = (wording.number(value * factor, digits) for value in difference.interval)
    return f"{text}, 90 %: {low} to {high}"


def _span(rolled: Rolled) -> str:
    minutes = rolled.how.every_min
    return f"{minutes:g} min" if minutes % 60 else f"{minutes / 60:g} h"
