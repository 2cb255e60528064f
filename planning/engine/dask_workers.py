"""Dask workers: processes on this machine, or the workers of a remote scheduler."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

PATIENCE_S = 5.0
"""Time limit for a scheduler's answer [s]."""
ALIKE = ("emberline", "simpy", "numpy", "xarray", "pyomo", "highspy", "distributed")
"""Packages that must have the same versions on a cluster, so that results are the same as on this machine."""


class ClusterError(ValueError):
    """No workers are available, or a task killed its worker on every attempt."""


@contextmanager
def local(workers: int) -> Iterator[Any]:
    """Client of some local workers, which end with the block or with this process."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        # workers send no heartbeat during a long search
        "distributed.scheduler.worker-ttl": None,
        "distributed.worker.profile.enabled": False,
        "distributed.admin.log-format": "%(message)s",
    }
    with _quiet(), dask.config.set(settings):
        with _untracked():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # the default address is public
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster) as client:
            client.run(_deaf)
            yield client


@contextmanager
def _untracked() -> Iterator[None]:
    """Suppress warnings of Python's resource tracker about semaphores of killed workers."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [before, "ignore:resource_tracker:UserWarning"]))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _deaf() -> None:
    """Ignore Ctrl-C, which the parent process handles."""
    with suppress(ValueError):  # not the main thread, which alone receives signals
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's log messages about workers that start and stop."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def remote(address: str) -> Iterator[Any]:
    """Client of a remote scheduler.

    Raises:
        ClusterError: no scheduler answers, it has no workers, or their versions differ.
    """
    from distributed import Client

    label = address if len(address) <= 80 else address[:77] + "…"
    try:
        _reachable(address)
        identity = asyncio.run(_identity(address))
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"{label!r}: {_reason(error)}") from None
    if identity.get("type") != "Scheduler":
        raise ClusterError(f"{label!r}: is a Dask {identity.get('type', 'service')}, not a scheduler")
    if not identity.get("workers"):
        raise ClusterError(f"{label!r}: the scheduler has no workers; start some with 'dask worker {address}'")
    with _quiet(), Client(address, timeout=PATIENCE_S) as client:
        _alike(client, label)
        yield client


def _reachable(address: str) -> None:
    from distributed.comm.addressing import get_address_host_port, parse_address

    scheme, _ = parse_address(address)
    if scheme not in ("tcp", "tls"):
        raise ValueError(f"scheme {scheme[:20]!r} is neither tcp nor tls")
    host, port = get_address_host_port(address, strict=True)
    socket.create_connection((host, port), timeout=PATIENCE_S).close()


async def _identity(address: str) -> dict[str, Any]:
    from distributed.core import rpc
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    async with rpc(address, timeout=PATIENCE_S, connection_args=arguments) as scheduler:
        return dict(await asyncio.wait_for(scheduler.identity(), PATIENCE_S))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError) or "Timed out" in str(error):
        return f"nobody answers there as a Dask scheduler within {PATIENCE_S:g} s"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached: {error.strerror}"
    return f"{' '.join(str(error).split())[:200]}; write it as tcp://host:8786 or tls://host:8786"


def _alike(client: Any, label: str) -> None:
    local_versions = _versions()
    try:
        theirs = client.run(_versions)
    except Exception as error:  # any failure to import the package
        text = f"its workers cannot load Emberline {local_versions['emberline']}: {type(error).__name__}"
        raise ClusterError(f"{label!r}: {text}; install the same version there") from None
    for worker, versions in theirs.items():
        other = [
            f"{name} {versions[name]} (here {local_versions[name]})"
            for name in ALIKE
            if versions[name] != local_versions[name]
        ]
        if other:
            raise ClusterError(f"{label!r}: worker {worker} has {', '.join(other)}; install the same versions there")


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ALIKE}
