"""``python -m benchmarks`` runs the benches; ``python -m benchmarks oracle FAMILY …`` solves a published case."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version

from benchmarks import registry


def main(argv: list[str]) -> int:
    """Run what the arguments ask for; returns the exit code."""
    if argv[:1] == ["oracle"]:
        return _oracle(argv[1:])
    registry.discover()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure speed beside the references.",
        epilog="Published cases: python -m benchmarks oracle FAMILY --help; families: " + ", ".join(registry.ORACLES),
    )
    parser.add_argument("bench", nargs="*", help=f"which: {', '.join(registry.BENCHES)}; none named: all")
    asked = parser.parse_args(argv).bench or list(registry.BENCHES)
    unknown = [name for name in asked if name not in registry.BENCHES]
    if unknown:
        parser.error(f"unknown bench {unknown[0]}; there are {', '.join(registry.BENCHES)}")
    packages = ("highspy", "pyomo", "simpy", "numpy", "xarray")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    for name in asked:
        print(f"\n{name}: {registry.BENCHES[name].says}", flush=True)
        registry.BENCHES[name].run()
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
