"""Output of ``emberline hold --samples``: a site planned over samples of prices and intensities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.ui.cli.options import print_json

if TYPE_CHECKING:
    from emberline.planning.robustness.holding import sampled
    from emberline.scenarios import Scenario


def sample(scenario: Scenario, count: int, share: float | None, as_json: bool, quiet: bool) -> None:
    """Plan over samples, compare with the plan on the forecast, and report."""
    from emberline.planning.robustness.holding import sampled
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> sampled.Compared:
        return sampled.compare(scenario, count, share=share, on_progress=tell, cancel=wish)

    comparison = study(work, "taking the best first stage found so far", quiet)
    if as_json:
        print_json(comparison.summary())
    else:
        _show(comparison)


def _show(comparison: sampled.Compared) -> None:
    from rich.text import Text

    from emberline.reports.text import wording
    from emberline.ui.cli import terminal

    console, summary = terminal.out(), comparison.summary()
    unit, factor, digits = wording.measure(comparison.scenario)

    def number(value: float) -> str:
        return wording.number(value * factor, digits)

    for line in terminal.heading(comparison.scenario):
        console.print(Text(line))
    console.print()
    worst = f"worst {wording.percent(1 - summary['share'], 0)}"
    what = "mean" if comparison.share is None else f"mean of the {worst}"
    gap = "" if summary["gap"] is None else f", gap {wording.percent(summary['gap'])}"
    console.print(
        Text(f"planned over {summary['samples']} samples of {', '.join(comparison.names)}: least {what} ({unit}){gap}")
    )
    table = terminal.table([f"on {summary['fresh']} other days"], ("mean", worst))
    labels = {
        "sampled": "planned over samples",
        "plain": "planned on the forecast",
        "knowing": "with perfect foresight of each day",
    }
    for name, label in labels.items():
        row = summary["on_fresh"][name]
        table.add_row(label, number(row["mean"]), number(row["cvar"]))
    console.print(table)
    gained = summary["gained"]
    console.print(
        Text(
            f"gained by samples: {number(gained['mean'])} {unit} in the mean (standard error "
            f"{number(gained['standard_error'])}), {number(gained['cvar'])} in the {worst}; perfect foresight of "
            f"each day would gain {number(gained['knowing'])} more"
        )
    )
    console.print(Text("caps of the goal are left out; dispatch knows its day, decisions fixed in advance do not"))
