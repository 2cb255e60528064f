"""Command ``emberline diff``: the differences between two stored plans, in the plant's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.options import AsJson, find, print_json

if TYPE_CHECKING:
    from emberline.studies.difference import Difference

First = Annotated[str, typer.Argument(metavar="RUN", help="id of the first run, its first digits, or 'last'")]
Second = Annotated[str, typer.Argument(metavar="RUN", help="the run to compare with it")]
DIGITS = {"MW": 2, "MWh": 2, "t": 1}


def diff(first: First, second: Second, as_json: AsJson = False) -> None:
    """Show how a stored plan differs from another one, and why.

    A plan does not differ from itself.
    """
    from emberline.studies.difference import difference

    store, one = find(first)
    two = store.find(second)
    comparison = difference(store.open(one).plan, store.open(two).plan)
    if as_json:
        print_json({"runs": [one, two], **comparison.summary()})
        return
    for line in lines(comparison, one[:8], two[:8]):
        print(line)


def lines(comparison: Difference, first: str, second: str) -> Iterator[str]:
    """The difference as lines of text."""
    from emberline.reports.text.wording import number, percent, signed
    from emberline.studies.difference import DIFFERENT_HEATS

    names = [
        f"{run} ({name}, {status}{'' if gap is None else f', gap {percent(gap)}'})"
        for run, name, status, gap in zip(
            (first, second), comparison.scenarios, comparison.statuses, comparison.gaps, strict=True
        )
    ]
    yield f"{names[1]} against {names[0]}"
    if comparison.empty:
        yield "no difference"
        return
    sections: list[tuple[str, list[str]]] = [
        ("asked", [key.says for key in comparison.keys]),
        ("series", [series.says for series in comparison.series]),
        ("heats", [DIFFERENT_HEATS] if comparison.different_heats else [heat.says for heat in comparison.heats]),
        ("uses", [use.says for use in comparison.uses]),
    ]
    figures = []
    for figure in comparison.figures:
        digits = DIGITS.get(figure.unit, 0)
        values = f"{number(figure.after, digits)} instead of {number(figure.before, digits)} {figure.unit}"
        more = "" if figure.more is None else f" ({signed(figure.more, digits)})"
        figures.append(f"{figure.label} {values}{more}")
    sections.append(("figures", figures))
    for head, texts in sections:
        for i, text in enumerate(texts):
            yield f"{'' if i else head:<9}{text}"
