"""A process that has imported what is large, and forks for each run of pytest that a line of its input asks for.

Runs with Emberline's own Python. Without arguments a line is ``[folder, arguments, plugin]``, where ``plugin`` has what
``Tracer`` or ``Order`` needs. With ``[folder, arguments]`` as its argument it collects these tests once, and lines are
those of ``Collected``. The answer is pytest's exit code, or null where a test took too long.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import resource
import signal
import sys
import threading
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

LARGE = (
    "hypothesis.strategies", "numpy", "pandas", "xarray", "scipy.sparse", "scipy.spatial",
    "netCDF4", "pyarrow", "pyomo.environ", "highspy", "simpy", "pydantic", "ruamel.yaml", "pint", "sqlalchemy.orm",
    "alembic.command", "filelock", "platformdirs", "starlette.applications", "streamlit", "typer", "rich", "babel",
)  # fmt: skip
MEMORY = 8 * 2**30
"""Bytes of a test process: a fault may ask for all there is."""
PATIENCE = 20
"""How often the seconds that a test may work it may take in all: other processes may have the machine meanwhile."""
MAX_CALLS = 500
"""Calls of a function in a test whose lines are looked at: later ones seldom run others, and take long."""
CANNOT = 90
"""Exit code where a function's code cannot take the place of another's: the module must be imported with its fault."""


def _worked() -> float:
    """Seconds for which this process and those that it has waited for have worked, whatever else the machine does."""
    return sum(os.times()[:4])


class Tracer:
    """Writes for each test how long it took and, by module, the lines of functions that it ran."""

    def __init__(self, folder: str, modules: list[str], output: str) -> None:
        self.output = output
        self._modules = {os.path.join(folder, name): name for name in modules}
        self._lines: dict[str, set[int]] = {}
        self._calls: Counter[int] = Counter()
        self._tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._lines, self._calls = defaultdict(set), Counter()
        began = _worked()
        threading.settrace(self._called)
        sys.settrace(self._called)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            lines = {name: sorted(rows) for name, rows in self._lines.items()}
            self._tests[item.nodeid] = {"seconds": round(_worked() - began, 3), "lines": lines}

    def pytest_sessionfinish(self) -> None:
        with open(self.output, "w", encoding="utf-8") as file:
            json.dump(self._tests, file)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in self._modules or not code.co_flags & CO_OPTIMIZED:  # the body of a module or class
            return None
        self._calls[id(code)] += 1
        return self._line if self._calls[id(code)] <= MAX_CALLS else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        self._lines[self._modules[frame.f_code.co_filename]].add(frame.f_lineno)
        return self._line


class Order:
    """Tests in an order of their own, each ended after so many seconds of work; with ``rest`` those of their files."""

    def __init__(self, first: dict[str, float], rest: bool) -> None:
        self._seconds = first
        self._files = {test.partition("::")[0] for test in first} if rest else set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        places = {test: place for place, test in enumerate(self._seconds)}
        items[:] = [item for item in items if item.nodeid in places or item.nodeid.partition("::")[0] in self._files]
        items.sort(key=lambda item: places.get(item.nodeid, len(places)))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        seconds = self._seconds.get(nodeid, 600)
        # either ends the process: who works too long, and who waits for what does not come
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.alarm(math.ceil(PATIENCE * seconds))


class Collected:
    """Tests collected once: each line that ``requests`` has is run in a fork, whose exit code ``answer`` gets.

    A line is ``[path, source, first, rest]``: the functions of a module get the code of that source, and tests are run
    as ``Order`` has them.
    """

    def __init__(self, requests: Iterator[str], answer: Callable[[int], None]) -> None:
        self._requests, self._answer = requests, answer

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        functions = defaultdict[str, list[FunctionType]](list)
        for function in gc.get_objects():
            if type(function) is FunctionType:
                functions[function.__code__.co_filename].append(function)
        gc.freeze()  # so that a fork need not look at what was imported
        for line in self._requests:
            path, source, first, rest = json.loads(line)
            child = os.fork()
            if child == 0:
                os.setsid()
                if not replace_code(functions[path], path, source):
                    os._exit(CANNOT)
                order = Order(first, rest)
                session.config.pluginmanager.register(order)
                order.pytest_collection_modifyitems(session.items)
                return None  # so that pytest runs them
            self._answer(child)
        return True


def replace_code(functions: list[FunctionType], path: str, source: str) -> bool:
    """Give functions of a module the code of another source of it; False where one cannot be given."""
    with open(path, encoding="utf-8") as file:
        before, after = _codes(file.read(), path), _codes(source, path)
    places = {(code.co_qualname, code.co_firstlineno): key for key, code in before.items()}
    for function in functions:
        key = places.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
        if key is not None and key in after:
            try:
                function.__code__ = after[key]
            except ValueError:  # it reads other names of the function around it
                return False
    return True


def _codes(source: str, path: str) -> dict[tuple[str, int], CodeType]:
    """By name, and place among those of the same name."""
    table: dict[tuple[str, int], CodeType] = {}
    names: Counter[str] = Counter()
    waiting = [compile(source, path, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop(0)
        table[code.co_qualname, names[code.co_qualname]] = code
        names[code.co_qualname] += 1
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return table


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
    return None if code in (-signal.SIGALRM, -signal.SIGPROF) else code


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
