"""Stored datasets are read in many threads at once, as a server with several users does; a full disk takes none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from emberline.runs.store import netcdf

SCRIPT = """
import sys, threading
from pathlib import Path
from emberline.runs.store import netcdf

def read():
    for _ in range(100):
        for path in Path(sys.argv[1]).glob("*.nc"):
            assert float(netcdf.read(path)["x"].sum()) == 499500.0

threads = [threading.Thread(target=read) for _ in range(6)]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    """Proves: HDF5, which is not made for threads, does not end the process when several read at the same moment.
    Sensitivity: without the lock it ends by a segmentation fault."""
    for name in "abc":
        xr.Dataset({"x": ("i", [float(i) for i in range(1000)])}).to_netcdf(tmp_path / f"{name}.nc")
    root = Path(__file__).resolve().parents[3]
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr


def test_what_cannot_be_written_takes_no_room(tmp_path: Path) -> None:
    """Proves: the system's own words for what it refuses, and a file of no length, since the library leaves it open.
    Sensitivity: the library says "permission denied", and what it has written takes room until the process ends."""
    resource = pytest.importorskip("resource", reason="files cannot be limited on this system")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            netcdf.write(xr.Dataset({"x": ("i", [float(i) for i in range(10_000)])}), tmp_path / "x.nc")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "x.nc").stat().st_size == 0
