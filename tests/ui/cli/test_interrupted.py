"""Ctrl-C while the command is still being loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

EARLY = """
import sys
class Press:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Press())
from emberline.ui.__main__ import main
main()
"""


MODULES = ["emberline.ui.cli.main", "typer", "emberline.ui.cli.options", "emberline.scenarios"]


@pytest.mark.parametrize("module", MODULES)
def test_ctrl_c_while_loading(module: str) -> None:
    """Proves: exit code 130 and one line, whatever is being imported. Sensitivity: a trace of the imports."""
    command = [sys.executable, "-c", EARLY.format(module=module), "list"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (130, "")
    assert process.stderr in ("", "given up\n")


def test_ctrl_c_at_any_moment() -> None:
    """Proves: the signal itself does the same, from the first of Emberline's lines on."""
    code = "import os; os.write(1, b'.'); from emberline.ui.__main__ import main; main()"
    for wait_s in (0.0, 0.02, 0.08):
        process = subprocess.Popen(
            [sys.executable, "-c", code, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(wait_s + 0.01)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=60)
        assert process.returncode in (0, 130), text
        assert "Traceback" not in text
        assert len(text.splitlines()) <= 1


LOST = """
import weakref
from emberline.ui.cli import faults
class Lock: pass
def press(_):
    raise KeyboardInterrupt
def begin():
    lock = Lock()
    reference = weakref.ref(lock, press)
    del lock
    for _ in range(1000): pass
    print("dropped")
faults.begin = begin
from emberline.ui.__main__ import main
main()
"""


def test_ctrl_c_in_a_callback() -> None:
    """Proves: Ctrl-C that Python drops in a callback of its import system counts. Sensitivity: the default hook."""
    process = subprocess.run(
        [sys.executable, "-c", LOST, "list"], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "given up\n")
