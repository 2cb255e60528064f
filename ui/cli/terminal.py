"""Output on the terminal: tables, a plan as text, live progress, and Ctrl-C that keeps the best result so far."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emberline.planning import make_plan
from emberline.planning.answer import Answer, figure_rows
from emberline.planning.answer import answer as first
from emberline.planning.engine import ClusterError
from emberline.planning.engine.engine import engine
from emberline.planning.plan import Baseline, Plan
from emberline.reports.text import charges, wording
from emberline.runs.store import Store, stored_starts
from emberline.scenarios import Case
from emberline.scenarios.checking.uncounted import uncounted
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.metrics import amount_digits
from emberline.ui.cli.command import Refused, give_up

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def out() -> Console:
    """Console on standard output: no colour if it is not a terminal or NO_COLOR is set, and no line breaks in a
    pipe."""
    width = None if sys.stdout.isatty() else 160
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False, width=width)


def table(words: Sequence[str], numbers: Sequence[str] = (), more: Sequence[str] = ()) -> Table:
    """An empty table: columns of words, of numbers, and of more words after them."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    columns: tuple[tuple[Sequence[str], JustifyMethod], ...] = ((words, "left"), (numbers, "right"), (more, "left"))
    for names, justify in columns:
        for name in names:
            # as text: a unit in brackets would be parsed as a style
            grid.add_column(Text(name), justify=justify, no_wrap=True)
    return grid


def table_of(rows: Sequence[dict[str, str]], words: int = 1, more: int = 0) -> Table:
    """A table of rows by heading, of which there is at least one.

    Args:
        rows: cells by heading, the same headings in each.
        words: how many columns at the left are words; those after them are numbers.
        more: how many at the right are words again.
    """
    heads = list(rows[0])
    end = len(heads) - more
    grid = table(heads[:words], heads[words:end], heads[end:])
    for row in rows:
        grid.add_row(*row.values())
    return grid


def print_table(console: Console, grid: Table) -> None:
    """Print a table below an empty line."""
    console.print()
    console.print(grid, soft_wrap=True)


def print_facts(console: Console, facts: Iterable[tuple[str, str]], width: int = 10) -> None:
    """Print lines of text, each behind its name."""
    for name, text in facts:
        console.print(Text.assemble((f"{name:<{width}}", "bold"), text))


def figures_table(plan: Plan) -> Table:
    """Baseline and plan undisturbed, and savings by their basis, with units."""
    grid = table(("undisturbed", "unit"), ("baseline", "plan", "saved", "saved %"))
    for row in figure_rows(plan):
        if row.baseline is None and row.figure is None:
            grid.add_row(row.label, row.unit, "not given", *[""] * 3, style="dim")
            continue
        grid.add_row(row.label, row.unit, *row.cells, style="" if row.label[0] != " " else "dim")
    return grid


def first_answer(plan: Plan) -> Iterator[str | Table]:
    """Saving of a plan, its certainty, the changes with their reasons, and the sources of the saving."""
    answer = first(plan)
    if answer is None:
        return
    yield f"Compared with {wording.comparison(plan)}:"
    yield from answer.lines
    yield ""
    strip = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for tile in answer.tiles:
        strip.add_row(tile.label, ("! " if tile.worse else "") + tile.value, Text(tile.note, style="dim"))
    yield strip
    if answer.changes:
        yield ""
        yield "What changed"
        yield from (f"- {change.says}" for change in answer.changes)
    if answer.causes:
        yield ""
        yield causes_table(answer)


def causes_table(answer: Answer) -> Table:
    """The saving of the undisturbed day by cause."""
    from emberline.reports.exports import tables

    (first_head, *heads), rows = tables.cause_table(answer.causes, answer.headline)
    grid = table([first_head], heads)
    for row in rows:
        grid.add_row(*row, style="bold" if row is rows[-1] else "")
    return grid


def heading(scenario: Case) -> list[str]:
    """The request in three lines."""
    return [
        f"{scenario.name}: {scenario.title}" if scenario.title else scenario.name,
        wording.span(scenario.horizon),
        f"{wording.size(scenario)}; {wording.goal(scenario.goal, scenario.market.currency)}",
    ]


def holding(holds: int, n: int, command: str = "") -> list[tuple[str, str]]:
    """A hint how to get a plan that holds, if this one rarely does; ``command``: scenario and options in shell
    syntax."""
    if not wording.seldom_holds(holds, n):
        return []
    how = command or "SCENARIO, with the same --set"
    return [("hint", f"this plan rarely survives disturbances; to make it robust: emberline hold {how}")]


def show(console: Console, plan: Plan, run: str, folder: Path, command: str = "") -> None:
    """Print a plan; ``command``: scenario and options in shell syntax."""
    for line in heading(plan.scenario):
        console.print(Text(line))
    console.print()
    for part in first_answer(plan):
        console.print(Text(part) if isinstance(part, str) else part)
    console.print()
    console.print(figures_table(plan))
    console.print()
    facts = [("status", wording.status(plan)), ("verdict", plan.verdict)]
    facts += [("", wording.violation(violation, plan.scenario.horizon)) for violation in plan.violations[:20]]
    if len(plan.violations) > 20:
        facts.append(("", f"and {len(plan.violations) - 20} more"))
    facts += wording.outcomes(plan)
    facts += [("odd", line) for line in (*charges.cut_month(plan.scenario), *uncounted(plan.scenario))]
    text = wording.baseline_note(plan)
    if text:
        facts.append(("baseline", text))
    facts += [("holding" if i == 0 else "", line) for i, line in enumerate(wording.holding(plan))]
    if plan.acceptable and plan.holding is None and plan.successes is not None:
        facts += holding(*plan.successes, command)
    facts += [("filled", line) for line in wording.filled(plan.scenario)]
    facts += [("run", run), ("folder", str(folder))]
    print_facts(console, facts)


class Progress:
    """Progress of a plan on standard error: a live line in a terminal, otherwise one line per phase."""

    def __init__(self, scenario: Case, quiet: bool) -> None:
        self.scenario = scenario
        self.quiet = quiet
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self.began = time.perf_counter()
        self.event: dict[str, Any] = {"phase": "twin"}
        self.search: dict[str, Any] = {}
        self.holding: dict[str, Any] = {}
        """The last event of what comes after the draft."""
        self.notice = ""

    def tell(self, event: dict[str, Any]) -> None:
        """Accept an event of ``emberline.planning.plan.pipeline.plan``; may be called from another thread."""
        if "incumbent" in event or "bound" in event:
            self.search = event
        if event["phase"] in wording.HOLDING_PHASES:
            self.holding = event
            if not self.quiet and not self.console.is_terminal:
                self._say(self._holding(event))
        if self.holding:
            self.event = event
            return
        if event["phase"] != self.event["phase"] and not self.quiet and not self.console.is_terminal:
            if self.event["phase"] == "optimize":
                self._say(self._search_figures())
            self._say(wording.PHASES.get(event["phase"], event["phase"]))
        self.event = event

    def _say(self, text: str) -> None:
        self.console.print(Text(f"{time.perf_counter() - self.began:6.1f} s  {text}"))

    def _search_figures(self) -> str:
        best, bound = self.search.get("incumbent"), self.search.get("bound")
        gap = wording.percent(self.search.get("gap"))
        text = wording.objective(self.scenario, best), wording.bound(self.scenario, best, bound)
        return f"best {text[0]}   bound {text[1]}   gap {gap}"

    def _holding(self, event: dict[str, Any]) -> str:
        """Progress of the search for a plan that holds, in words, with the effort so far and its limit."""
        saved = event.get("saved", {})
        phase = "no plan" if event["phase"] == "round" and not event["of"] else event["phase"]
        text = wording.HOLDING_PHASES[phase].format(**event)
        if "carbon_kg" in saved:
            carbon, cost = saved["carbon_kg"] / 1000, saved["cost"]
            tonnes = f"{wording.number(carbon, amount_digits(carbon))} t CO2e"
            money = f"{wording.number(cost, amount_digits(cost))} {self.scenario.market.currency}"
            text += "; the draft saves {} and {} undisturbed".format(*goal_first(self.scenario, tonnes, money))
        return f"{text} ({event['elapsed']:.0f} of {event['limit']:.0f} units of effort)"

    def _line(self) -> Text:
        seconds = time.perf_counter() - self.began
        phase = self.event["phase"]
        sentence = self._holding(self.holding) if self.holding else wording.PHASES.get(phase, phase)
        text = f"{SPINNER[int(seconds * 8) % len(SPINNER)]} {seconds:5.1f} s  {sentence}"
        if phase == "optimize":
            text += f"   {self._search_figures()}"
        elif phase == "replays" and "of" in self.event:
            text += f"   {self.event['done']} of {self.event['of']}"
        return Text(text + (f"   {self.notice}" if self.notice else ""), overflow="ellipsis", no_wrap=True)

    @contextmanager
    def drawing(self) -> Iterator[Callable[[], None]]:
        """A context in which calling the yielded function redraws the line."""
        if self.quiet or not self.console.is_terminal:
            if not self.quiet:
                self._say(wording.PHASES["twin"])
            yield lambda: None
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            yield lambda: live.update(self._line(), refresh=True)


Result = TypeVar("Result")


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect everything that libraries print to standard error, at the level of the file descriptor."""
    try:
        sys.stdout.flush()
        descriptor = os.dup(1)
    except OSError:  # closed: nothing to redirect
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(descriptor, 1)
        os.close(descriptor)


def answering(
    work: Callable[[Callable[[], bool]], Result], draw: Callable[[], None], on_cancel: Callable[[], None]
) -> Result:
    """Run long work in a second thread, so that this one always reacts to the keyboard.

    The first Ctrl-C asks for the best result so far, the second gives up.

    Args:
        work: receives a function to poll: whether to stop with the best result so far.
        draw: called every tenth of a second.
        on_wish: called when the user asks for the best result so far.

    Raises:
        KeyboardInterrupt: the user has given up; the other thread may still be running.
    """
    cancel_event, end = threading.Event(), threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(cancel_event.is_set))
        except BaseException as error:  # raised again in the main thread
            errors.append(error)
        finally:
            end.set()

    threading.Thread(target=run, daemon=True).start()
    while not end.is_set():  # not the thread: an interrupted join counts it as ended
        try:
            draw()
            end.wait(0.1)
        except KeyboardInterrupt:
            if cancel_event.is_set():
                raise
            cancel_event.set()
            on_cancel()
    if errors:
        raise errors[0]
    return results[0]


def make(scenario: Case, quiet: bool, store: Store | None = None, baseline: Baseline | None = None) -> Plan:
    """Make a plan with progress on standard error; Ctrl-C takes the best plan found so far.

    Args:
        scenario: what is asked.
        quiet: no progress.
        store: whose plans of the same orders the search begins with; None: none.
        baseline: what it is compared with; None: it is simulated.
    """
    progress = Progress(scenario, quiet)
    starts = None if store is None else stored_starts(store, scenario, baseline)

    def on_cancel() -> None:
        progress.notice = "taking the best plan so far (press Ctrl-C again to give up)"
        if not progress.console.is_terminal and not quiet:
            print(progress.notice, file=sys.stderr)

    work = partial(make_plan, scenario, starts=starts, baseline=baseline, workers=engine, on_progress=progress.tell)
    with stdout_to_stderr(), progress.drawing() as draw:
        return answering(lambda cancel_event: work(cancel=cancel_event), draw, on_cancel)


def study(
    work: Callable[..., Result],
    taking: str,
    quiet: bool,
    cluster: str | None = None,
    says: Callable[[Any], str] = str,
) -> Result:
    """Make several plans, with a line of progress per step on standard error; a second Ctrl-C ends everything at once.

    Args:
        work: called with ``on_progress`` and ``cancel``, which is polled: whether to stop with what there is.
        taking: printed when the user asks for what there is.
        quiet: print nothing.
        cluster: address where the work is done; None: on this machine.
        says: of what the work reports, the line that is printed.

    Raises:
        Refused: whoever works cannot be reached, or died of the work.
    """
    began, last = time.perf_counter(), [""]

    def tell(event: Any) -> None:
        line = says(event)
        if not quiet and line != last[0]:
            last[0] = line
            print(f"{time.perf_counter() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    def on_cancel() -> None:
        if not quiet:
            print(f"{taking} (press Ctrl-C again to give up)", file=sys.stderr)

    with stdout_to_stderr():
        try:
            return answering(lambda cancel_event: work(on_progress=tell, cancel=cancel_event), lambda: None, on_cancel)
        except KeyboardInterrupt:
            give_up()
        except ClusterError as error:
            raise Refused(f"--cluster {error}" if cluster else str(error)) from None
