"""Engines for many independent pieces of work: this process, others of this machine, or a cluster.

Dask's scheduler hands out the pieces and hands them out again when a worker dies. What a piece gives depends on nothing
but what it is given, so the results are the same on any number of workers and after any of them was killed.
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
    """A piece of work that has ended."""

    place: int
    """Among the pieces that were asked for."""
    result: Result | None
    error: BaseException | None = None

    def unwrap(self) -> Result:
        """The result; raises what went wrong instead."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


class Engine:
    """Does pieces of work; without a client in this process, one after the other."""

    def __init__(self, client: Any = None, *, local: bool = True) -> None:
        self.client = client
        self.local = local
        """Whether the workers share this machine's memory."""

    @property
    def workers(self) -> int:
        """Number of pieces worked on at the same time."""
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
        """Do the pieces and yield each as it ends, in whatever order.

        Args:
            work: a function of a module, which is given ``common`` and its part.
            common: sent to each worker once.
            parts: one for each piece.
            cancel: polled; True ends it: pieces under way are given up.

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
            # a result that a dead worker held is made again from its task: hence sent as one, however large
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            payload = self.client.submit(bytes, packed, key=f"common-{digest}-{os.urandom(4).hex()}")
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        waiting = iter(enumerate(parts))
        running: dict[Any, int] = {}

        def begin() -> None:
            # a few more than are worked on, so that nobody waits for the next and little is held here
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
                        raise ClusterError("the cluster is gone; what was under way is lost") from None
                    continue
                piece = _outcome(running.pop(future), future)
                begin()
                yield piece
        finally:
            with suppress(Exception):  # nobody is left to hear it
                self.client.cancel([*running, payload], force=True)


@contextmanager
def engine(workers: int | None = None, address: str | None = None) -> Iterator[Engine]:
    """Context manager that provides workers.

    Args:
        workers: processes on this machine; 1: this one; None: as many as this process may use cores.
        address: of a Dask scheduler, such as ``tcp://10.0.0.5:8786``, instead.

    Raises:
        ClusterError: nobody answers at the address, it has no workers, or they have other versions.
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
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _here(
    work: Callable[[Common, Part], Result], common: Common, parts: Sequence[Part], stop: Callable[[], bool]
) -> Iterator[Piece[Result]]:
    for place, part in enumerate(parts):
        if stop():
            return
        try:
            piece = Piece(place, work(common, part))
        except Exception as error:  # reported with its piece, as from elsewhere
            piece = Piece(place, None, error)
        yield piece


def unwrapped(future: Any) -> Any:
    """The result of a future that has ended.

    Raises:
        ClusterError: the worker died of it each time it was tried.
        Exception: whatever went wrong otherwise.
    """
    from distributed import KilledWorker

    try:
        return future.result(timeout=60)
    except KilledWorker:
        text = "a worker died of this piece of work each time it was tried; it may lack memory: use fewer workers"
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
"""Data shared by the pieces under way, by digest; the last one only."""
_turn = threading.Lock()
"""A process does one piece at a time, however many threads its worker has."""


LISTENING_S = 0.3
"""Interval at which a worker polls for cancellation [s]."""


def heard(work: Callable[..., Result], cancel_event: Any, *args: Any) -> Result:
    """Do a piece of work that polls its first argument: whether enough is enough."""
    checked_s, enough = 0.0, False

    def stop() -> bool:
        nonlocal checked_s, enough
        if not enough and time.monotonic() - checked_s > LISTENING_S:
            checked_s, enough = time.monotonic(), bool(cancel_event.is_set())
        return enough

    with _turn:
        return work(stop, *args)


def _work(work: Callable[[Any, Any], Any], digest: str, payload: bytes, part: Any) -> Any:
    """The result of a piece of work, and the effort that it took."""
    with _turn:
        if digest not in _loaded:
            _loaded.clear()
            _loaded[digest] = pickle.loads(payload)
        began = effort.counted()
        return work(_loaded[digest], part), effort.counted() - began
