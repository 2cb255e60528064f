"""Faults of the system: too little memory and a full disk, from the first import on, in one line with exit code 3."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from emberline.planning.engine import memory
from emberline.ui.cli import faults

FAILS = """
import sys
class Fails:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise {error}
sys.meta_path.insert(0, Fails())
from emberline.ui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "error", "text"),
    [
        ("emberline.ui.cli.main", "MemoryError", faults.OUT_OF_MEMORY),
        (
            "emberline.scenarios",
            "ImportError('lib.so: failed to map segment from shared object')",
            faults.OUT_OF_MEMORY,
        ),
        ("typer", 'RuntimeError("can\'t start new thread")', faults.OUT_OF_MEMORY),
        (
            "emberline.ui.cli.options",
            "OSError(28, 'No space left on device', 'cache')",
            "cache: No space left on device",
        ),
    ],
    ids=["memory", "library", "thread", "disk"],
)
def test_while_loading(module: str, error: str, text: str) -> None:
    """Proves: whatever is being imported, one line and exit code 3. Sensitivity: a trace, and exit code 1, which says
    that a run is stored."""
    command = [sys.executable, "-c", FAILS.format(module=module, error=error), "list"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (3, "", f"{text}\n")


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, ({mib} * 2**20,) * 2)
from emberline.ui.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="addresses are limited there")
@pytest.mark.parametrize(("mib", "command"), [(90, "list"), (300, "list"), (480, "plan")])
def test_few_addresses(mib: int, command: str) -> None:
    """Proves: ``ulimit -v`` below what any library needs, below what loading takes, and below what a plan takes is one
    line and exit code 3, each time. Sensitivity: OpenBLAS, the loader of libraries and glibc each end the process in
    their own way and with their own code."""
    arguments = [command, "melt-shop-small"] if command == "plan" else [command]
    process = subprocess.run(
        [sys.executable, "-c", LIMITED.format(mib=mib), *arguments], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (3, "", f"{faults.OUT_OF_MEMORY}\n")


def test_in_words() -> None:
    """Proves: a fault is found behind what it led to; an error of Emberline is none."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "plan.nc")
    behind = RuntimeError("the search failed")
    behind.__cause__ = full
    assert faults.in_words(behind) == "plan.nc: No space left on device"
    assert faults.in_words(OSError(errno.ENOMEM, "")) == faults.OUT_OF_MEMORY
    for other in (ValueError("no such unit"), ModuleNotFoundError("No module named 'x'"), KeyError("heat")):
        assert faults.in_words(other) == ""


def test_what_libraries_reserve_is_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: of a limit on addresses the part that is reserved and not used is taken off before a plan is refused."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (int(1e9), resource.RLIM_INFINITY))
    assert memory.limit() == memory.Limit(1e9 - memory.RESERVED, "ulimit -v less 572 MiB for libraries")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (int(0.7e9), resource.RLIM_INFINITY))
    with pytest.raises(MemoryError):
        memory.refuse(1.0, "anything")
