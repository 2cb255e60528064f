"""The page of stored results: what is within its bar at a glance, then each bench's tables and plots."""

from __future__ import annotations

from pathlib import Path

from benchmarks.reporting import charts
from benchmarks.reporting.findings import cells, markdown, piped
from benchmarks.reporting.results import Result

BEGIN = """# How fast Emberline is

Written by `make bench-report` from [results.json](speed/results.json), where `make bench` (some benches:
`make bench ARGS="hub week"`) and `make bench-peers` store what they find. Every table says on what kind of machine and
with which versions it was measured. A row gives the median of its rounds, the least and the most in brackets, and the
ratio of the median to the reference that was measured in turns with it. Seconds are by the wall clock, except in `hub`,
`peers` and where a row says CPU. The last columns say what a bar asks for and whether it is kept: *NO* as plainly as
*yes*.
"""


def page(results: list[Result], pictures: dict[str, str]) -> str:
    """The page in Markdown.

    Args:
        results: in the order of the page.
        pictures: place of each plot's picture by the plot's name, relative to the page.
    """
    judged = [
        (result, table, row)
        for result in results
        for table in result.findings.tables
        for row in table.rows
        if row.within is not None
    ]
    lines = [
        BEGIN,
        "## The bars",
        "",
        f"{sum(row.within is True for *_, row in judged)} of {len(judged)} are kept.",
        "",
    ]
    lines += ["| bench | what | measured | ÷ reference | bar | within |", "| --- | --- | --- | --- | --- | --- |"]
    for result, table, row in judged:
        what, spread, ratio, bar, within, _ = cells(row)
        link = f"[{result.bench}](#{result.bench})"
        lines.append(piped([link, f"{table.title}: {what}", spread, ratio, bar, within]))
    for result in results:
        lines += ["", f"## {result.bench}", "", f"{_sentence(result.says)} `python -m benchmarks {result.bench}`", ""]
        lines += [f"{result.machine}; {result.versions}; {result.seconds:,.0f} s in all.", ""]
        for table in result.findings.tables:
            lines += [markdown(table), ""]
        for plot in result.findings.plots:
            lines += [f"![{plot.title}]({pictures[plot.name]})", ""]
    return "\n".join(lines).rstrip() + "\n"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def write(results: list[Result], path: Path) -> None:
    """Write the page, and its pictures into a folder of the page's name next to it."""
    folder = path.with_suffix("")
    pictures = {
        plot.name: charts.save(plot, folder).relative_to(path.parent).as_posix()
        for result in results
        for plot in result.findings.plots
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(results, pictures), encoding="utf-8")
