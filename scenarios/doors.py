"""Doors of packages: names that are imported when they are asked for, so that a package costs nothing until then."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path


def door(package: str) -> Callable[[str], object]:
    """The ``__getattr__`` of a package: names of its ``__all__``, imported as its source does it for type checkers."""

    def opened(name: str) -> object:
        if name not in sys.modules[package].__all__ or name not in _places(package):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        place, original = _places(package)[name]
        value: object = getattr(import_module(place), original)
        return value

    return opened


@cache
def _places(package: str) -> dict[str, tuple[str, str]]:
    """Module and name there of each name that a package's source imports."""
    source = Path(str(sys.modules[package].__file__)).read_text(encoding="utf-8")
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
