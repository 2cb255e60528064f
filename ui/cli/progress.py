"""Work done in this process for the command line: live progress, and Ctrl-C that takes the best found so far."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from emberline.plans import Plan, plan
from emberline.scenarios import Scenario
from emberline.ui.cli.terminal import Progress
from emberline.ui.cli.workers import give_up

Made = TypeVar("Made")


@contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """What any library prints goes to standard error, at the level of the file descriptor."""
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except OSError:  # closed: there is nothing to keep clean
        yield
        return
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def answering(work: Callable[[Callable[[], bool]], Made], draw: Callable[[], None], wished: Callable[[], None]) -> Made:
    """Do long work in a second thread, so that this one always answers the keyboard.

    The first Ctrl-C asks for the best that was found so far, the second gives up.

    Args:
        work: is given a function to poll: whether what there is should be taken.
        draw: called every tenth of a second.
        wished: called when the user asks for what there is.

    Raises:
        KeyboardInterrupt: the user has given up; the other thread may still be at work.
    """
    wish, done = threading.Event(), threading.Event()
    made: list[Made] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            made.append(work(wish.is_set))
        except BaseException as error:  # raised again where the user is
            failed.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    while not done.is_set():  # not the thread itself: a join that is interrupted takes it for ended
        try:
            draw()
            done.wait(0.1)
        except KeyboardInterrupt:
            if wish.is_set():
                raise
            wish.set()
            wished()
    if failed:
        raise failed[0]
    return made[0]


def make(scenario: Scenario, quiet: bool) -> Plan:
    """Make a plan with progress on standard error; Ctrl-C takes the best plan found so far."""
    progress = Progress(scenario, quiet)

    def wished() -> None:
        progress.wish = "taking the best plan so far (Ctrl-C again gives up)"
        if not progress.console.is_terminal and not quiet:
            print(progress.wish, file=sys.stderr)

    with stdout_kept_clean(), progress.shown() as draw:
        return answering(lambda wish: plan(scenario, on_progress=progress.tell, cancel=wish), draw, wished)


def study(work: Callable[[Callable[[str], None], Callable[[], bool]], Made], taking: str, quiet: bool) -> Made:
    """Make several plans, a line of progress for each step on standard error; a second Ctrl-C ends all at once.

    Args:
        work: is given where to tell a line, and whether what there is should be taken.
        taking: what is told when the user asks for what there is.
        quiet: tell nothing.
    """
    began, said = time.perf_counter(), [""]

    def tell(line: str) -> None:
        if not quiet and line != said[0]:
            said[0] = line
            print(f"{time.perf_counter() - began:6.1f} s  {line}", file=sys.stderr, flush=True)

    def wished() -> None:
        if not quiet:
            print(f"{taking} (Ctrl-C again gives up)", file=sys.stderr)

    with stdout_kept_clean():
        try:
            return answering(lambda wish: work(tell, wish), lambda: None, wished)
        except KeyboardInterrupt:
            give_up()
