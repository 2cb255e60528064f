"""HiGHS itself: made, given a model and a start, listened to while it runs."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import highspy
import numpy as np

from emberline.models.kernel.progress import Progress
from emberline.models.kernel.standard_form import Compiled

WRONG = ("1.14.0",)
"""Releases of highspy that return wrong optima (HiGHS issues 2957, 2975, 3043, 3073, 3094)."""
PROBING = 1 << 15
"""HiGHS's bit for the presolve rule of probing."""
OPTIONS = {
    "threads": 1,
    # probing costs many seconds on these models and finds next to nothing
    "presolve_rule_off": PROBING,
}
_BANNER = [True]


def new() -> highspy.Highs:
    """A solver that says nothing.

    Raises:
        RuntimeError: this release is known to be wrong.
    """
    with quiet():
        solver = highspy.Highs()
        solver.silent()
    if solver.version() in WRONG:
        raise RuntimeError(f"highspy {solver.version()} returns wrong optima; install another release")
    for name, value in OPTIONS.items():
        solver.setOptionValue(name, value)
    return solver


@contextmanager
def quiet() -> Iterator[None]:
    """Keep HiGHS's banner, which it prints once in a process before it can be silenced, away from stdout."""
    if not _BANNER:
        yield
        return
    sys.stdout.flush()
    stdout_fd = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(stdout_fd, 1)
        os.close(stdout_fd)
        os.close(nowhere)
        _BANNER.clear()


def hand_over(solver: highspy.Highs, form: Compiled) -> None:
    """Give the solver a model as a whole."""
    n_rows, n_columns = form.shape
    solver.passModel(
        n_columns, n_rows, len(form.values), int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize),
        form.offset, form.cost, form.lower, form.upper, form.row_lower, form.row_upper,
        form.starts[:-1], form.index, form.values, form.whole.astype(np.int32),
    )  # fmt: skip


def set_start(solver: highspy.Highs, form: Compiled) -> None:
    """Begin with the values that the model's variables hold."""
    values = form.column_values()
    some = np.flatnonzero(~np.isnan(values)).astype(np.int32)
    if len(some):
        solver.setSolution(len(some), some, values[some])


@contextmanager
def listening(
    solver: highspy.Highs,
    began: float,
    sense: float,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
    *,
    completes: bool,
) -> Iterator[None]:
    """While it runs: tell what the solver finds, and ask whether it should end.

    Args:
        solver: about to run.
        began: when the search began, by ``time.perf_counter``.
        sense: 1 of what is minimized, −1 of what is maximized.
        on_progress: called with ``incumbent``, ``bound`` and ``seconds``.
        cancel: polled; True ends the run.
        completes: whether a start is completed first.
    """
    last: list[float] = [math.nan, math.nan]

    def tell(event: Any) -> None:
        out = event.data_out
        # while a start is completed the bounds reported are those of the completion, and nothing says when that is over
        now = [out.mip_primal_bound, -math.inf if completes else out.mip_dual_bound]
        if on_progress is not None and now != last:
            last[:] = now
            incumbent, bound = (sense * value if abs(value) < 1e30 else None for value in now)
            on_progress({"incumbent": incumbent, "bound": bound, "seconds": time.perf_counter() - began})

    def poll(event: Any) -> None:
        if cancel is not None:
            event.interrupt(cancel())  # said each time: HiGHS keeps the wish of an earlier run

    used = []
    if on_progress is not None:
        used += [(solver.cbMipImprovingSolution, tell), (solver.cbMipLogging, tell)]
    if cancel is not None:
        used += [(solver.cbMipInterrupt, poll), (solver.cbSimplexInterrupt, poll), (solver.cbIpmInterrupt, poll)]
    for callback, listener in used:
        callback.subscribe(listener)
    yield
    for callback, listener in used:
        callback.unsubscribe(listener)
