"""Work done in this process for the command line: live progress, and Ctrl-C that keeps the best result so far."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from emberline.planning import Plan, make_plan
from emberline.planning.engine import ClusterError
from emberline.planning.plan import Baseline
from emberline.runs.store import Store, stored_starts
from emberline.scenarios import Scenario
from emberline.ui.cli.options import Refused, give_up
from emberline.ui.cli.terminal import Progress

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
    work: Callable[[Callable[[], bool]], Result], draw: Callable[[], None], on_wish: Callable[[], None]
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
    wish, end = threading.Event(), threading.Event()
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(wish.is_set))
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
            if wish.is_set():
                raise
            wish.set()
            on_wish()
    if errors:
        raise errors[0]
    return results[0]


def make(scenario: Scenario, quiet: bool, store: Store, baseline: Baseline | None = None) -> Plan:
    """Make a plan with progress on standard error; Ctrl-C takes the best plan found so far.

    Args:
        scenario: what is asked.
        quiet: no progress.
        store: whose plans of the same orders the search begins with.
        baseline: what it is compared with; None: it is simulated.
    """
    progress = Progress(scenario, quiet)

    def on_wish() -> None:
        progress.wish = "taking the best plan so far (press Ctrl-C again to give up)"
        if not progress.console.is_terminal and not quiet:
            print(progress.wish, file=sys.stderr)

    with stdout_to_stderr(), progress.drawing() as draw:
        return answering(
            lambda wish: make_plan(
                scenario, starts=stored_starts(store, scenario, baseline), baseline=baseline,
                on_progress=progress.tell, cancel=wish,
            ),
            draw, on_wish,
        )  # fmt: skip


def study(
    work: Callable[[Callable[[str], None], Callable[[], bool]], Result],
    taking: str,
    quiet: bool,
    cluster: str | None = None,
) -> Result:
    """Make several plans, with a line of progress per step on standard error; a second Ctrl-C ends everything at once.

    Args:
        work: receives a function that reports a line, and one to poll: whether to stop with what there is.
        taking: printed when the user asks for what there is.
        quiet: print nothing.
        cluster: address where the work is done; None: on this machine.

    Raises:
        Refused: whoever works cannot be reached, or died of the work.
    """
    began, last = time.perf_counter(), [""]

    def tell(line: str) -> None:
        if not quiet and line != last[0]:
            last[0] = line
            print(f"{time.perf_counter() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    def on_wish() -> None:
        if not quiet:
            print(f"{taking} (press Ctrl-C again to give up)", file=sys.stderr)

    with stdout_to_stderr():
        try:
            return answering(lambda wish: work(tell, wish), lambda: None, on_wish)
        except KeyboardInterrupt:
            give_up()
        except ClusterError as error:
            raise Refused(f"--cluster {error}" if cluster else str(error)) from None
