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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.mutants.faults import Module, Mutant

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".mutants"
PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->"
LEFT_OUT = "not browser and not postgresql and not libreoffice and not shared"
PYTEST = ("-q", "-x", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-profile=mutants",
          "-W", "ignore::pytest.PytestAssertRewriteWarning", "-m", LEFT_OUT)  # fmt: skip


@dataclass(frozen=True)
class Room:
    """A part of the house with its modules and the tests nearest to each."""

    name: str
    tests: dict[str, tuple[str, ...]]
    """By module: its tests, and what else pytest is given."""
    slow: str = ""
    """Tests that are run with ``--slow`` alone, as pytest's ``-k`` takes them."""

    def sample(self, seed: int, size: int) -> tuple[list[tuple[Module, Mutant]], int]:
        """Mutants drawn from all of the room's, and how many those are."""
        modules = [Module.read(ROOT, name) for name in self.tests]
        everything = [(module, mutant) for module in modules for mutant in module.mutants()]
        everything.sort(key=lambda pair: pair[1].place_in_line(seed))
        return everything[:size], len(everything)


def rooms() -> dict[str, Room]:
    """What ``rooms.toml`` lists; a folder stands for its modules, later lines of a module for earlier ones."""
    listed: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "rooms.toml").read_text())["rooms"]
    found = {}
    for name, parts in listed.items():
        slow, tests = str(parts.pop("slow", "")), dict[str, tuple[str, ...]]()
        for part, files in parts.items():
            path = ROOT / part
            modules = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
            tests |= {module.relative_to(ROOT).as_posix(): tuple(files) for module in modules}
        found[name] = Room(name, tests, slow)
    return found


def equivalents() -> dict[str, str]:
    """By key of a mutant: why no test can notice it."""
    listed = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())
    return {key: reason for reason, keys in listed.items() for key in keys["mutants"]}


class Results:
    """What became of mutants, in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.seen: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else {}

    def of(self, module: Module, mutant: Mutant) -> str | None:
        """``killed``, ``timed out`` or ``survived``; None where it was not tried on this source."""
        row = self.seen.get(mutant.key)
        return str(row["outcome"]) if row is not None and row["sha"] == module.sha else None

    def seconds(self, tests: str, sha: str) -> float | None:
        """What tests took without any fault; None where these were not run."""
        row = self.seen.get(tests)
        return float(row["seconds"]) if row is not None and row["sha"] == sha else None

    def store(self, key: str, sha: str, outcome: str, seconds: float) -> None:
        """Keep what was seen of a mutant, or of tests without any."""
        with self.lock:
            self.seen[key] = {"sha": sha, "outcome": outcome, "seconds": round(seconds, 1)}
            partial = self.path.with_suffix(".part")
            partial.write_text(json.dumps(self.seen, indent=0, sort_keys=True))
            partial.replace(self.path)


class Tree:
    """A copy of the checkout, in which faults are put."""

    measuring: dict[tuple[str, ...], threading.Lock] = {}

    def __init__(self, folder: Path, results: Results) -> None:
        self.folder, self.results = folder, results
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
        warm = [str(ROOT / ".venv" / "bin" / "python"), str(Path(__file__).parent / "warm.py")]
        self._warm = subprocess.Popen(warm, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, tests: tuple[str, ...], seconds: float) -> int | None:
        """Run tests in the copy: pytest's exit code, None where the time was over."""
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        print(json.dumps([str(self.folder), [*PYTEST, *tests], seconds]), file=self._warm.stdin, flush=True)
        code: int | None = json.loads(self._warm.stdout.readline())
        return code

    def limit(self, tests: tuple[str, ...]) -> float | None:
        """Seconds that tests may take, from a run without any fault; None where they fail then."""
        texts = [path.read_bytes() for name in tests if (path := self.folder / name).is_file()]
        key, sha = " ".join(tests), hashlib.sha256(b"".join(texts)).hexdigest()[:16]
        with self.measuring.setdefault(tests, threading.Lock()):
            seconds = self.results.seconds(key, sha)
            if seconds is None:
                began = time.perf_counter()
                if self.run(tests, 3600) != 0:
                    output = (self.folder / ".output").read_text(encoding="utf-8", errors="replace")
                    print(f"without any fault these fail: {key}\n{output[-2000:]}", file=sys.stderr)
                    return None
                seconds = time.perf_counter() - began
                self.results.store(key, sha, "passed", seconds)
        return 20 + 3 * seconds

    def judge(self, module: Module, mutant: Mutant, tests: tuple[str, ...]) -> str | None:
        """What becomes of a mutant."""
        limit = self.limit(tests)
        if limit is None:
            return None
        path = self.folder / module.name
        path.write_text(mutant.apply(module.source), encoding="utf-8")
        try:
            code = self.run(tests, limit)
        finally:
            path.write_text(module.source, encoding="utf-8")
        return "timed out" if code is None else "killed" if code else "survived"


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share seen in a sample, by Wilson's score, 95 %."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def table(results: Results, seed: int, sizes: dict[str, int]) -> Iterator[str]:
    """What became of the samples, a line for each room."""
    known, all_rooms = equivalents(), rooms()
    yield "| room | mutants | tried | killed | timed out | equivalent | survived | not survived | 95 % interval |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, size in sizes.items():
        sample, total = all_rooms[name].sample(seed, size)
        outcomes = []
        for module, mutant in sample:
            outcome = results.of(module, mutant)
            if outcome is not None:
                outcomes.append("equivalent" if outcome == "survived" and mutant.key in known else outcome)
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
    KEPT.mkdir(exist_ok=True)
    results, known = Results(KEPT / "results.json"), equivalents()
    trees: SimpleQueue[Tree] = SimpleQueue()

    def attempt(work: tuple[Room, Module, Mutant]) -> None:
        room, module, mutant = work
        tree = trees.get()
        try:
            began = time.perf_counter()
            quick = () if request.slow or not room.slow else ("-k", f"not ({room.slow})")
            outcome = tree.judge(module, mutant, (*room.tests[module.name], *quick))
            if outcome is not None:
                results.store(mutant.key, module.sha, outcome, time.perf_counter() - began)
            if outcome == "survived":
                lines = (mutant.key, *mutant.difference(module.source).splitlines())
                print(f"survived  {mutant.module}:{mutant.line}", *lines, sep="\n    ", flush=True)
        finally:
            trees.put(tree)

    work = []
    samples = [(name, all_rooms[name].sample(request.seed, request.sample)[0]) for name in request.rooms]
    for i in range(request.sample):  # a few of each room, so that a run that is ended has seen something of all
        for name, (module, mutant) in ((name, sample[i]) for name, sample in samples if i < len(sample)):
            outcome = results.of(module, mutant)
            again = request.survivors and outcome == "survived" and mutant.key not in known
            if (outcome is None or again) and request.only in mutant.key:
                work.append((all_rooms[name], module, mutant))
    print(f"{len(work)} to try", flush=True)
    for number in range(min(request.jobs, len(work))):
        trees.put(Tree(KEPT / f"tree-{number}", results))
    with ThreadPoolExecutor(max(request.jobs, 1)) as pool:
        list(pool.map(attempt, work))
    text = "\n".join(table(results, request.seed, dict.fromkeys(request.rooms, request.sample))) + "\n"
    print(text)
    if request.page:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
