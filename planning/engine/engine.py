"""Engines for independent tasks: this process, other processes on this machine, or a cluster.

Dask's scheduler distributes the tasks and reassigns them when a worker dies. The result of a task depends only on its
arguments, so results are the same for any number of workers and after the loss of any of them.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from emberline.planning.engine.dask_workers import ClusterError, local, remote
from emberline.scenarios import effort

__all__ = ["cores", "engine"]

Common = TypeVar("Common")
Part = TypeVar("Part")
Result = TypeVar("Result")

MAX_WORKERS = 256


@dataclass(frozen=True)
class Piece(Generic[Result]):
    """Task that has ended."""

    place: int
    """Index of the task."""
    result: Result | None
    error: BaseException | None = None

    def unwrap(self) -> Result:
        """Return the result, or raise the task's exception."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


class Engine:
    """Runs tasks on its client; without a client sequentially in this process."""

    def __init__(self, client: Any = None, *, local: bool = True) -> None:
        self.client = client
        self.local = local
        """Whether the workers share this machine's memory."""

    @property
    def workers(self) -> int:
        """Number of tasks processed in parallel."""
        return 1 if self.client is None else max(1, len(self.client.nthreads()))

    def cancel_event(self) -> Any:
        """Cancellation event shared with workers, for :func:`heard`; None in this process."""
        if self.client is None:
            return None
        from distributed import Event

        return Event(f"cancel-{os.urandom(8).hex()}", client=self.client)

    def each(
        self,
        work: Callable[[Common, Part], Result],
        common: Common,
        parts: Sequence[Part],
        cancel: Callable[[], bool] | None = None,
    ) -> Iterator[Piece[Result]]:
        """Run the tasks and yield each as it ends, in any order.

        Args:
            work: module-level function of ``common`` and a part.
            common: data sent once to each worker.
            parts: one per task.
            cancel: polled; True stops and abandons running tasks.

        Raises:
            ClusterError: the cluster is gone.
        """
        stop = cancel or (lambda: False)
        if self.client is None:
            return _here(work, common, parts, stop)
        return self._elsewhere(work, common, parts, stop)

    def _elsewhere(
        self,
        work: Callable[[Common, Part], Result],
        common: Common,
        parts: Sequence[Part],
        stop: Callable[[], bool],
    ) -> Iterator[Piece[Result]]:
        packed = pickle.dumps(common, protocol=5)
        digest = hashlib.sha256(packed).hexdigest()
        with warnings.catch_warnings():
            # Dask recomputes lost results from their task, so the data are sent as one object of any size
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            payload = self.client.submit(bytes, packed, key=f"common-{digest}-{os.urandom(4).hex()}")
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        waiting = iter(enumerate(parts))
        running: dict[Any, int] = {}

        def begin() -> None:
            # a few spare tasks keep all workers busy without storing many results here
            most = 3 * self.workers
            while len(running) < most and (following := next(waiting, None)) is not None:
                place, part = following
                future = self.client.submit(_work, work, digest, payload, part, pure=False)
                running[future] = place
                future.add_done_callback(ended.put)

        try:
            begin()
            while running:
                if stop():
                    return
                try:
                    future = ended.get(timeout=0.1)
                except queue.Empty:
                    if self.client.status not in ("running", "connecting"):
                        raise ClusterError("the cluster is gone; running tasks are lost") from None
                    continue
                piece = _outcome(running.pop(future), future)
                begin()
                yield piece
        finally:
            with suppress(Exception):  # the cluster may be gone
                self.client.cancel([*running, payload], force=True)


@contextmanager
def engine(workers: int | None = None, address: str | None = None) -> Iterator[Engine]:
    """Context manager that provides workers.

    Args:
        workers: processes on this machine; 1: this process; None: one per available core.
        address: address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``, to use instead.

    Raises:
        ClusterError: no scheduler answers, it has no workers, or their versions differ.
        ValueError: fewer than one worker, or more than ``MAX_WORKERS``.
    """
    if address is not None:
        with remote(address) as client:
            yield Engine(client, local=False)
        return
    processes = cores() if workers is None else workers
    if not 1 <= processes <= MAX_WORKERS:
        raise ValueError(f"there are 1 to {MAX_WORKERS} workers, not {processes}")
    if processes == 1:
        yield Engine()
        return
    with local(processes) as client:
        yield Engine(client)


Workers = Callable[[], AbstractContextManager[Engine]]


def cores() -> int:
    """Number of cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _here(
    work: Callable[[Common, Part], Result], common: Common, parts: Sequence[Part], stop: Callable[[], bool]
) -> Iterator[Piece[Result]]:
    for place, part in enumerate(parts):
        if stop():
            return
        try:
            piece = Piece(place, work(common, part))
        except Exception as error:  # reported with its task, as by remote workers
            piece = Piece(place, None, error)
        yield piece


def unwrapped(future: Any) -> Any:
    """Return the result of a future that has ended.

    Raises:
        ClusterError: the task killed its worker on every attempt.
        Exception: any other failure of the task.
    """
    from distributed import KilledWorker

    try:
        return future.result(timeout=60)
    except KilledWorker:
        text = "a task killed its worker on every attempt; memory may be short: use fewer workers"
        raise ClusterError(text) from None


def _outcome(place: int, future: Any) -> Piece[Any]:
    try:
        result, work = unwrapped(future)
        effort.spend(work)
        return Piece(place, result)
    except Exception as error:
        return Piece(place, None, error)


# --- in a worker ------------------------------------------------------------------------------------------------------

_loaded: dict[str, Any] = {}
"""Shared data of the current tasks, by digest; only the latest is kept."""
_turn = threading.Lock()
"""Lock that limits a process to one task at a time, whatever the number of threads."""


LISTENING_S = 0.3
"""Interval at which a worker polls for cancellation [s]."""


def heard(work: Callable[..., Result], cancel_event: Any, *args: Any) -> Result:
    """Run a task whose first argument is a function that polls for cancellation."""
    checked_s, cancelled = 0.0, False

    def stop() -> bool:
        nonlocal checked_s, cancelled
        if not cancelled and time.monotonic() - checked_s > LISTENING_S:
            checked_s, cancelled = time.monotonic(), bool(cancel_event.is_set())
        return cancelled

    with _turn:
        return work(stop, *args)


def _work(work: Callable[[Any, Any], Any], digest: str, payload: bytes, part: Any) -> Any:
    """Return the result of a task and the effort it took."""
    with _turn:
        if digest not in _loaded:
            _loaded.clear()
            _loaded[digest] = pickle.loads(payload)
        began = effort.counted()
        return work(_loaded[digest], part), effort.counted() - began
