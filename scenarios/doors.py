"""Doors of packages: names that are imported when they are asked for, so that a package costs nothing until then."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module


def opened(package: str, places: Mapping[str, str], name: str) -> object:
    """A name of a door.

    Args:
        package: whose door it is.
        places: module within the package, by name; with a colon at its end the name is the module itself.
        name: what is asked for.

    Raises:
        AttributeError: the door has no such name.
    """
    if name not in places:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    place, colon, _ = places[name].partition(":")
    module = import_module(f"{package}.{place}")
    return module if colon else getattr(module, name)
