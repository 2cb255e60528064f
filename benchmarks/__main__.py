"""The command ``python -m benchmarks``.

``[BENCH …] [--json FILE]`` measures, ``report`` writes the page ``docs/speed.md`` from what was stored, and
``oracle FAMILY …`` solves a published case.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import registry
from benchmarks.reporting import findings, results

ROOT = Path(__file__).resolve().parent.parent
STORED = Path("docs") / "speed" / "results.json"
PAGE = Path("docs") / "speed.md"


def main(argv: list[str]) -> int:
    """Run what the arguments ask for; returns the exit code."""
    if argv[:1] == ["oracle"]:
        return _oracle(argv[1:])
    registry.discover()
    if argv[:1] == ["report"]:
        return _report(argv[1:])
    usual = [name for name, bench in registry.BENCHES.items() if not bench.long]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure speed and compare it with the references.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                *(f"{b.name:10} {b.says}{' (when named)' if b.long else ''}" for b in registry.BENCHES.values()),
                "",
                "The page of stored results: python -m benchmarks report --help",
                f"Published cases: python -m benchmarks oracle FAMILY --help; families: {', '.join(registry.ORACLES)}",
            ]
        ),
    )
    parser.add_argument("bench", nargs="*", help=f"which; none named: {', '.join(usual)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"store the findings, as in {STORED}")
    parser.add_argument(
        "--part", action="append", default=[], metavar="TEXT", help="only cases with this in their name; repeatable"
    )
    case = parser.parse_args(argv)
    registry.PARTS[:] = case.part
    for name in case.bench:
        if name not in registry.BENCHES:
            parser.error(f"unknown bench {name}; there are {', '.join(registry.BENCHES)}")
    try:
        if case.json is not None:
            results.read(case.json)
    except ValueError as error:
        parser.error(str(error))
    print(results.machine(), results.versions(), sep="\n")
    failed = False
    for name in case.bench or usual:
        failed |= not _run(registry.BENCHES[name], case.json)
    return 1 if failed else 0


def _run(bench: registry.Bench, path: Path | None) -> bool:
    """Run one bench, print and store what it found; False where it says that something is wrong."""
    print(f"\n{bench.name}: {bench.says}", flush=True)
    began = time.perf_counter()
    try:
        process = bench.run()
    except registry.Wrong as wrong:
        print(f"{bench.name}: {wrong}", file=sys.stderr)
        process, right = wrong.findings, False
    else:
        right = True
    seconds = time.perf_counter() - began
    if process is not None:
        for table in process.tables:
            print(f"\n{findings.text(table)}", flush=True)
        if process.missed:
            print(f"\nnot within their bar: {'; '.join(process.missed)}", flush=True)
        if path is not None:
            result = results.Result(bench.name, bench.says, results.machine(), results.versions(), seconds, process)
            results.store(path, result)
    return right


def _report(argv: list[str]) -> int:
    from benchmarks.reporting.report import write

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks report", description="Write a page of tables and plots from stored findings."
    )
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / STORED, help=f"default: {STORED}")
    parser.add_argument("--to", type=Path, default=ROOT / PAGE, metavar="FILE", help=f"default: {PAGE}")
    case = parser.parse_args(argv)
    try:
        content = results.read(case.file)
    except ValueError as error:
        parser.error(str(error))
    if not content:
        parser.error(f"{case.file}: no such file; python -m benchmarks --json {STORED} makes it")
    try:
        write(content, case.to)
    except ImportError as error:
        parser.error(str(error))
    print(case.to)
    return 0


def _oracle(argv: list[str]) -> int:
    registry.discover(argv[0] if argv else None)
    families = registry.ORACLES
    if not argv or argv[0] not in families:
        for family in families.values():
            print(f"{family.family:12} {family.says}", file=sys.stderr)
        print(f"name a family: python -m benchmarks oracle {{{','.join(families)}}} …", file=sys.stderr)
        return 2
    return families[argv[0]].run(argv[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
