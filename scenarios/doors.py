"""Lazy imports of package attributes, to make importing a package fast."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path


def door(package: str) -> Callable[[str], object]:
    """Return a ``__getattr__`` for a package that imports the names in ``__all__`` as declared for type checkers."""

    def opened(name: str) -> object:
        if name not in sys.modules[package].__all__ or name not in _places(package):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        place, original = _places(package)[name]
        value: object = getattr(import_module(place), original)
        return value

    return opened


@cache
def _places(package: str) -> dict[str, tuple[str, str]]:
    """Return the module and original name of each name imported in the source of a package."""
    source = Path(str(sys.modules[package].__file__)).read_text(encoding="utf-8")
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
