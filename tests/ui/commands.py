"""The command ``emberline``, run in the test's own process: one of its own takes a second longer."""

from __future__ import annotations

import functools
import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
import typer.main

from emberline.ui.cli.main import main

COMMANDS = functools.cache(typer.main.get_command)
"""All commands with their options: made once, not for each one that is run."""


def emberline(*args: str, together: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command with its streams caught; ``together``: both as one text, in the order of the lines."""
    text = io.StringIO()
    message = text if together else io.StringIO()
    with redirect_stdout(text), redirect_stderr(message), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["emberline", *args])
        patch.setattr(typer.main, "get_command", COMMANDS)
        with pytest.raises(SystemExit) as remaining:
            main()
    return subprocess.CompletedProcess(args, int(remaining.value.code or 0), text.getvalue(), message.getvalue())


def refused(process: subprocess.CompletedProcess[str], text: str) -> None:
    """A mistake in what was asked: exit code 2, one line on standard error, nothing on standard output."""
    assert process.returncode == 2, process
    assert len(process.stderr.splitlines()) == 1, process.stderr
    assert text in process.stderr
    assert process.stdout == ""
