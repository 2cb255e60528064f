"""A process that has imported what is large, and forks for each run of pytest that a line of its input asks for.

Runs with Emberline's own Python. Without arguments a line is ``[folder, arguments, plugin]``, where ``plugin``
has what ``Tracer`` or ``Order`` of ``plugins.py`` needs. With ``[folder, arguments]`` as its argument it collects these
tests once, and lines are those of ``Collected``. The answer is pytest's exit code, or null where one took too long.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import warnings
from contextlib import suppress
from typing import Any

import pytest
from plugins import Collected, Order, Tracer

LARGE = (
    "hypothesis.strategies", "numpy", "pandas", "xarray", "scipy.sparse", "scipy.spatial",
    "netCDF4", "pyarrow", "pyomo.environ", "highspy", "simpy", "pydantic", "ruamel.yaml", "pint", "sqlalchemy.orm",
    "alembic.command", "filelock", "platformdirs", "starlette.applications", "streamlit", "typer", "rich", "babel",
)  # fmt: skip
MEMORY = 8 * 2**30
"""Bytes of a test process: a fault may ask for all there is."""


def run(folder: str, arguments: list[str], plugin: object) -> int:
    """Run pytest in a copy of the checkout."""
    output = os.open(os.path.join(folder, ".output"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    sys.path.insert(0, folder)
    os.environ |= {"PYTHONPATH": folder, "EMBERLINE_HOME": os.path.join(folder, ".home")}
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    code = pytest.main(arguments, plugins=[plugin])
    sys.stdout.flush()
    return code


def wait(child: int) -> int | None:
    """Wait for a process and end all that it has started: its exit code, None where a test took too long."""
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    return None if code == -signal.SIGALRM else code


def main() -> None:
    """Answer each line."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")

    def answer(child: int) -> None:
        print(json.dumps(wait(child)), file=answers, flush=True)

    if len(sys.argv) > 1:
        folder, arguments = json.loads(sys.argv[1])
        os._exit(run(folder, arguments, Collected(requests, answer)))
    for line in requests:
        folder, arguments, plugin = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            os._exit(run(folder, arguments, _plugin(**plugin)))
        answer(child)


def _plugin(trace: Any = None, order: Any = None) -> Tracer | Order:
    return Tracer(*trace) if trace else Order(*order)


if __name__ == "__main__":
    os.nice(5)
    sys.dont_write_bytecode = True  # of a module with a fault nothing may stay
    sys.path[:] = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LARGE:
            importlib.import_module(name)
    main()
