"""The command ``emberline``, run in the test's own process: one of its own takes a second longer."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from emberline.ui.cli.main import main


def emberline(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its streams caught."""
    said, told = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(told), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["emberline", *args])
        with pytest.raises(SystemExit) as left:
            main()
    return subprocess.CompletedProcess(args, int(left.value.code or 0), said.getvalue(), told.getvalue())


def refused(done: subprocess.CompletedProcess[str], says: str) -> None:
    """A mistake in what was asked: exit code 2, one line on standard error, nothing on standard output."""
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert says in done.stderr
    assert done.stdout == ""
