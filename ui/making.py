"""A plan made in this process for the command line: live progress, and Ctrl-C that takes the best plan so far."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from plans.plan import Plan, plan
from scenarios import Scenario
from ui.terminal import Progress


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


def make(scenario: Scenario, quiet: bool) -> Plan:
    """Make a plan with progress on standard error.

    The work is done in a second thread, so that this one always answers the keyboard. The first Ctrl-C asks for the
    best plan found so far, the second gives up.

    Raises:
        KeyboardInterrupt: the user has given up; the other thread may still be at work.
    """
    progress = Progress(scenario, quiet)
    wish, done = threading.Event(), threading.Event()
    made: list[Plan] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            made.append(plan(scenario, on_progress=progress.tell, cancel=wish.is_set))
        except BaseException as error:  # raised again where the user is
            failed.append(error)
        finally:
            done.set()

    with stdout_kept_clean(), progress.shown() as draw:
        threading.Thread(target=work, daemon=True).start()
        while not done.is_set():  # not the thread itself: a join that is interrupted takes it for ended
            try:
                draw()
                done.wait(0.1)
            except KeyboardInterrupt:
                if wish.is_set():
                    raise
                wish.set()
                progress.wish = "taking the best plan so far (Ctrl-C again gives up)"
                if not progress.console.is_terminal and not quiet:
                    print(progress.wish, file=sys.stderr)
    if failed:
        raise failed[0]
    return made[0]
