"""Plugins of pytest: which lines each test runs, tests in an order of their own, and tests that were collected once."""

from __future__ import annotations

import gc
import json
import math
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

CANNOT = 90
"""Exit code where a function's code cannot take the place of another's: the module must be imported with its fault."""


class Tracer:
    """Writes for each test how long it took and, by module, the lines of functions that it ran."""

    def __init__(self, folder: str, modules: list[str], output: str) -> None:
        self.output = output
        self._modules = {os.path.join(folder, name): name for name in modules}
        self._lines: dict[str, set[int]] = {}
        self._tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._lines = defaultdict(set)
        began = time.perf_counter()
        threading.settrace(self._called)
        sys.settrace(self._called)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            lines = {name: sorted(rows) for name, rows in self._lines.items()}
            self._tests[item.nodeid] = {"seconds": round(time.perf_counter() - began, 3), "lines": lines}

    def pytest_sessionfinish(self) -> None:
        with open(self.output, "w", encoding="utf-8") as file:
            json.dump(self._tests, file)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        inside = code.co_filename in self._modules and code.co_flags & CO_OPTIMIZED  # not the body of a module or class
        return self._line if inside else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        self._lines[self._modules[frame.f_code.co_filename]].add(frame.f_lineno)
        return self._line


class Order:
    """Tests in an order of their own, each ended after so many seconds; with ``rest`` the others of their files too."""

    def __init__(self, first: dict[str, float], rest: bool) -> None:
        self._seconds = first
        self._files = {test.partition("::")[0] for test in first} if rest else set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        places = {test: place for place, test in enumerate(self._seconds)}
        items[:] = [item for item in items if item.nodeid in places or item.nodeid.partition("::")[0] in self._files]
        items.sort(key=lambda item: places.get(item.nodeid, len(places)))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.alarm(math.ceil(self._seconds.get(nodeid, 600)))  # ends the process


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
    found: dict[tuple[str, int], CodeType] = {}
    names: Counter[str] = Counter()
    waiting = [compile(source, path, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop(0)
        found[code.co_qualname, names[code.co_qualname]] = code
        names[code.co_qualname] += 1
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return found
