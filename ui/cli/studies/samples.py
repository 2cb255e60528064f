"""What ``emberline hold --samples`` tells: a site planned over samples of prices and intensities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.ui.cli.options import print_json

if TYPE_CHECKING:
    from emberline.plans.robustness.holding import sampled
    from emberline.scenarios import Scenario


def sample(asked: Scenario, count: int, share: float | None, as_json: bool, quiet: bool) -> None:
    """Plan over samples, compare with the plan on the forecast, and tell."""
    from emberline.plans.robustness.holding import sampled
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> sampled.Compared:
        return sampled.compare(asked, count, share=share, on_progress=tell, cancel=wish)

    made = study(work, "taking the best first stage found so far", quiet)
    if as_json:
        print_json(made.summary())
    else:
        _show(made)


def _show(made: sampled.Compared) -> None:
    from rich.table import Table
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console, told = terminal.out(), made.summary()
    unit, factor, digits = wording.measure(made.scenario)

    def number(value: float) -> str:
        return wording.number(value * factor, digits)

    for line in terminal.heading(made.scenario):
        console.print(Text(line))
    console.print()
    worst = f"worst {wording.percent(1 - told['share'], 0)}"
    what = "mean" if made.share is None else f"mean of the {worst}"
    gap = "" if told["gap"] is None else f", gap {wording.percent(told['gap'])}"
    console.print(
        Text(f"planned over {told['samples']} samples of {', '.join(made.names)}: least {what} ({unit}){gap}")
    )
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(f"on {told['fresh']} other days", no_wrap=True)
    for name in ("mean", worst):
        table.add_column(name, justify="right", no_wrap=True)
    labels = {"sampled": "planned over samples", "plain": "planned on the forecast", "knowing": "knowing each day"}
    for name, label in labels.items():
        row = told["on_fresh"][name]
        table.add_row(label, number(row["mean"]), number(row["cvar"]))
    console.print(table)
    gained = told["gained"]
    console.print(
        Text(
            f"gained by samples: {number(gained['mean'])} {unit} in the mean (standard error "
            f"{number(gained['standard_error'])}), {number(gained['cvar'])} in the {worst}; "
            f"knowing each day would gain {number(gained['knowing'])} more"
        )
    )
    console.print(Text("caps of the goal are left out; dispatch knows its day, what is fixed before does not"))
