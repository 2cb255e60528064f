"""The command ``python -m benchmarks.mutants``: puts faults into the code, one at a time, and runs the nearest tests.

What was seen is kept in ``.mutants`` and believed until the module changes, so a run that was ended goes on where it
was; a larger sample of the same seed contains the smaller one. Tests run in copies of the checkout.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.mutants.faults import Module, Mutant

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".mutants"
PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
QUICK_S = 40
"""Seconds of tests, as they take without any fault, that are run without ``--slow``."""
CANNOT = 90
"""Answer of ``warm.py`` where a module must be imported with its fault."""
LEFT_OUT = "not browser and not postgresql and not libreoffice and not shared"
PYTEST = ("-q", "-x", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-profile=mutants",
          "-W", "ignore::pytest.PytestAssertRewriteWarning", "-m", LEFT_OUT)  # fmt: skip


@dataclass(frozen=True)
class Room:
    """A part of the house: its modules, and the tests near to them."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    slow: str = ""
    """Tests that are run with ``--slow`` alone, as pytest's ``-k`` takes them."""

    def sample(self, seed: int, size: int) -> tuple[list[tuple[Module, Mutant]], int]:
        """Mutants drawn from all of the room's, and how many those are."""
        modules = [Module.read(ROOT, name) for name in self.modules]
        everything = [(module, mutant) for module in modules for mutant in module.mutants()]
        everything.sort(key=lambda pair: pair[1].place_in_line(seed))
        return everything[:size], len(everything)


def files(parts: Iterable[str]) -> tuple[str, ...]:
    """Python files; a folder stands for those in it."""
    paths = (
        path for part in parts for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
    )
    return tuple(sorted({path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py"}))


def rooms() -> dict[str, Room]:
    """What ``rooms.toml`` lists."""
    listed: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "rooms.toml").read_text())["rooms"]
    return {
        name: Room(name, files(parts["modules"]), tuple(parts["tests"]), parts.get("slow", ""))
        for name, parts in listed.items()
    }


def equivalents() -> dict[str, str]:
    """By key of a mutant: why no test can notice it."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {key: reason for reason, keys in listed.items() for key in keys["mutants"]}


class Results:
    """What became of mutants, in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.records: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else {}

    def of(self, module: Module, mutant: Mutant) -> str | None:
        """``killed``, ``timed out`` or ``survived``; None where it was not tried on this source."""
        row = self.records.get(mutant.key)
        return str(row["outcome"]) if row is not None and row["sha"] == module.sha else None

    def store(self, key: str, sha: str, outcome: str, seconds: float) -> None:
        """Keep what was seen of a mutant."""
        with self.lock:
            self.records[key] = {"sha": sha, "outcome": outcome, "seconds": round(seconds, 1)}
            partial = self.path.with_suffix(".part")
            partial.write_text(json.dumps(self.records, indent=0, sort_keys=True))
            partial.replace(self.path)


class Tree:
    """A copy of the checkout, in which faults are put."""

    reached: dict[tuple[str, bool], Reached | None] = {}
    measuring = threading.Lock()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip
        names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for path in [path for path in folder.rglob("*.py") if path.relative_to(folder).as_posix() not in names]:
            path.unlink()
        for name in names:
            content, copy = (ROOT / name).read_bytes(), folder / name
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
        self._fresh: subprocess.Popen[str] | None = None
        self._collected: tuple[tuple[str, bool], subprocess.Popen[str]] | None = None

    def reach(self, room: Room, slow: bool) -> Reached | None:
        """Which tests of a room reach which lines, from a run without any fault; None where a test fails then."""
        with self.measuring:
            if (room.name, slow) not in self.reached:
                self.reached[room.name, slow] = self._measure(room, slow)
            return self.reached[room.name, slow]

    def _measure(self, room: Room, slow: bool) -> Reached | None:
        texts = b"".join((self.folder / name).read_bytes() for name in (*room.modules, *room.tests))
        sha = hashlib.sha256(texts + room.slow.encode()).hexdigest()[:16]
        output = RESULTS / f"reached-{room.name}{'-slow' * slow}-{sha}.json"
        if not output.is_file():
            trace = [str(self.folder), room.modules, str(output.with_suffix(".part"))]
            if _ask(self._warm(), [str(self.folder), self._arguments(room, slow), {"trace": trace}]) != 0:
                text = (self.folder / ".output").read_text(encoding="utf-8", errors="replace")
                print(f"without any fault a test of {room.name} fails\n{text[-2000:]}", file=sys.stderr)
                return None
            output.with_suffix(".part").replace(output)
        return Reached(json.loads(output.read_text(encoding="utf-8")))

    def judge(self, room: Room, module: Module, mutant: Mutant, slow: bool) -> str | None:
        """What becomes of a mutant."""
        reached = self.reach(room, slow)
        if reached is None:
            return None
        tests = reached.tests(module.name, mutant)
        if not tests:
            return "survived"
        path = self.folder / module.name
        source = mutant.apply(module.source)
        code: int | None = CANNOT
        order = [reached.limits(tests if slow else reached.quick(tests)), slow]
        if mutant.function:
            code = _ask(self._collect(room, slow, reached), [str(path), source, *order])
        if code == CANNOT:
            path.write_text(source, encoding="utf-8")
            try:
                code = _ask(self._warm(), [str(self.folder), self._arguments(room, slow), {"order": order}])
            finally:
                path.write_text(module.source, encoding="utf-8")
        return "timed out" if code is None else "killed" if code else "survived"

    def _warm(self) -> subprocess.Popen[str]:
        """A process that imports modules and tests afresh for each request."""
        if self._fresh is None:
            self._fresh = _start()
        return self._fresh

    def _arguments(self, room: Room, slow: bool) -> list[str]:
        return [*PYTEST, *room.tests, *(["-k", f"not ({room.slow})"] if room.slow and not slow else [])]

    def _collect(self, room: Room, slow: bool, reached: Reached) -> subprocess.Popen[str]:
        """A process that has collected the tests of a room: the last one, or instead of it another."""
        if self._collected is None or self._collected[0] != (room.name, slow):
            self.end()
            self._collected = (room.name, slow), _start(str(self.folder), self._arguments(room, slow))
            path = self.folder / room.modules[0]
            order = [reached.limits(reached.quickest[:20]), slow]
            if _ask(self._collected[1], [str(path), path.read_text(encoding="utf-8"), *order]) != 0:
                raise RuntimeError(f"{room.name}: without any fault a test fails, see {self.folder / '.output'}")
        return self._collected[1]

    def end(self) -> None:
        """End the process of the last room."""
        if self._collected is not None:
            self._collected[1].communicate()


def _start(*arguments: Any) -> subprocess.Popen[str]:
    warm = [str(ROOT / ".venv" / "bin" / "python"), str(Path(__file__).parent / "warm.py")]
    warm += [json.dumps(arguments)] if arguments else []
    return subprocess.Popen(warm, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(process: subprocess.Popen[str], line: list[Any]) -> int | None:
    """Pytest's exit code, None where the time was over."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps(line), file=process.stdin, flush=True)
    code: int | None = json.loads(process.stdout.readline())
    return code


class Reached:
    """The tests of a room, what they take, and the lines that they run."""

    def __init__(self, runs: dict[str, dict[str, Any]]) -> None:
        self._seconds = {test: float(row["seconds"]) for test, row in runs.items()}
        self.quickest = sorted(self._seconds, key=self._seconds.__getitem__)
        self._lines = {test: {name: set(rows) for name, rows in row["lines"].items()} for test, row in runs.items()}

    def tests(self, module: str, mutant: Mutant) -> list[str]:
        """Those that run a mutant's statement, or else its function, quickest first; for what runs at import all."""
        for rows in (mutant.statement, mutant.function):
            tests = [test for test in self.quickest if not rows.isdisjoint(self._lines[test].get(module, ()))]
            if tests:
                return tests
        return self.quickest if not mutant.function else []

    def quick(self, tests: list[str]) -> list[str]:
        """Of tests those that take ``QUICK_S`` together, at least one."""
        ends = accumulate(self._seconds[test] for test in tests)
        return [test for k, (test, end) in enumerate(zip(tests, ends, strict=True)) if k == 0 or end <= QUICK_S]

    def limits(self, tests: list[str]) -> dict[str, float]:
        """What each of some tests may take."""
        return {test: 10 + 3 * self._seconds[test] for test in tests}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share seen in a sample, by Wilson's score, 95 %."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def table(results: Results, seed: int, sizes: dict[str, int]) -> Iterator[str]:
    """What became of the samples, a line for each room."""
    facts, all_rooms = equivalents(), rooms()
    yield "| room | mutants | tried | killed | timed out | equivalent | survived | not survived | 95 % interval |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, size in sizes.items():
        sample, total = all_rooms[name].sample(seed, size)
        outcomes = []
        for module, mutant in sample:
            outcome = results.of(module, mutant)
            if outcome is not None:
                outcomes.append("equivalent" if outcome == "survived" and mutant.key in facts else outcome)
        killed, late, same, alive = map(outcomes.count, ("killed", "timed out", "equivalent", "survived"))
        n = len(outcomes)
        low, high = wilson(n - alive, n)
        share = f"{(n - alive) / n:.1%}" if n else "–"
        yield f"| {name} | {total} | {n} | {killed} | {late} | {same} | {alive} | {share} | {low:.0%} – {high:.0%} |"


def main(argv: list[str]) -> int:
    """Try mutants, then say what became of them."""
    all_rooms = rooms()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--rooms", nargs="+", choices=sorted(all_rooms), default=list(all_rooms), metavar="ROOM",
                        help=f"which; without it all: {', '.join(all_rooms)}")  # fmt: skip
    parser.add_argument("--sample", type=int, default=50, metavar="N", help="mutants of each room (50)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    parser.add_argument("--jobs", type=int, default=max((os.cpu_count() or 2) // 2, 1), help="test runs at once")
    parser.add_argument("--survivors", action="store_true", help="try those again that survived")
    parser.add_argument("--slow", action="store_true", help="with the slow tests too")
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose name has this text")
    parser.add_argument("--page", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    request = parser.parse_args(argv)
    RESULTS.mkdir(exist_ok=True)
    results, facts = Results(RESULTS / "results.json"), equivalents()
    trees: SimpleQueue[Tree] = SimpleQueue()

    def attempt(work: tuple[Room, Module, Mutant]) -> None:
        room, module, mutant = work
        tree = trees.get()
        try:
            began = time.perf_counter()
            outcome = tree.judge(room, module, mutant, request.slow)
            if outcome is not None:
                results.store(mutant.key, module.sha, outcome, time.perf_counter() - began)
            if outcome == "survived":
                lines = (mutant.key, *mutant.difference(module.source).splitlines())
                print(f"survived  {mutant.module}:{mutant.line}", *lines, sep="\n    ", flush=True)
        finally:
            trees.put(tree)

    work = []
    samples = [(name, all_rooms[name].sample(request.seed, request.sample)[0]) for name in request.rooms]
    for name, sample in samples:
        for module, mutant in sample:
            outcome = results.of(module, mutant)
            again = request.survivors and outcome == "survived" and mutant.key not in facts
            if (outcome is None or again) and request.only in mutant.key:
                work.append((all_rooms[name], module, mutant))
    print(f"{len(work)} to try", flush=True)
    for number in range(min(request.jobs, len(work))):
        trees.put(Tree(RESULTS / f"tree-{number}"))
    with ThreadPoolExecutor(max(request.jobs, 1)) as pool:
        list(pool.map(attempt, work))
    while not trees.empty():
        trees.get().end()
    text = "\n".join(table(results, request.seed, dict.fromkeys(request.rooms, request.sample))) + "\n"
    print(text)
    if request.page:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
