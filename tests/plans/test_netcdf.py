"""Stored datasets are read in many threads at once, as a server with several users does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import xarray as xr

SCRIPT = """
import sys, threading
from pathlib import Path
from emberline.plans.store import netcdf

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
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
