"""Probable meaning of an unknown key of a scenario: the field next to it in spelling, or those that are allowed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.reading.document import Keys


def suggestion(path: Keys) -> str:
    """End of a message: the field that is meant, else the fields that are allowed; empty where there are none."""
    near, names = nearest_key(path), _fields(path)
    if near:
        return f"; did you mean {near}?"
    return f"; allowed are {', '.join(names)}" if names else ""


def nearest_key(path: Keys) -> str | None:
    """The field that an unknown key probably means."""
    return next(iter(get_close_matches(str(path[-1])[:100], _fields(path), n=1)), None)


def _fields(path: Keys) -> list[str]:
    """Names of the fields that stand where a key does."""
    model: Any = Scenario
    for part in path[:-1]:
        if isinstance(part, int) or model is None:
            continue
        field = getattr(model, "model_fields", {}).get(part)
        model = _record_of(field.annotation) if field else None
    return list(getattr(model, "model_fields", {}))


def _record_of(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((record for part in get_args(annotation) if (record := _record_of(part)) is not None), None)
