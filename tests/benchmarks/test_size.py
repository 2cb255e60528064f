"""Lines of code as the gauge of the library's size counts them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.size import code_lines, formatted

MODULE = '''"""A module.

With a docstring of several lines.
"""

import os  # a comment


def home() -> str:
    """The home."""
    # nor this
    text = """two
lines"""
    return text
'''


def test_code_is_counted_and_nothing_else(tmp_path: Path) -> None:
    """Proves: statements count, a text of several lines as many times, and no docstring, comment or blank line; what
    the formatter was kept from is laid out first. Sensitivity: docstrings among the lines, one long line for ten."""
    assert code_lines(MODULE) == 5
    names = ", ".join(f"name_{i}={i}" for i in range(9))
    dense = tmp_path / "dense.py"
    dense.write_text(f"value = call(  # fmt: skip\n    {names}, {names.replace('name', 'other')})  # fmt: skip\n")
    (text,) = formatted([dense])
    assert code_lines(text) > 15
