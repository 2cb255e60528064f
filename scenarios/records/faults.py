"""Messages for Pydantic errors, with the value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$": (
        "a name of 1 to 40 letters, digits, blanks, dots, _ and -, which begins with a letter or digit"
    ),
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$": (
        "a name of 1 to 60 letters, digits, _ and -, which begins with a letter or digit"
    ),
    r"^[a-z0-9][a-z0-9_]{0,59}$": "a name of 1 to 60 small letters, digits and _, which begins with a letter or digit",
    r"^[a-z0-9_]{1,60}$": "a name of 1 to 60 small letters, digits and _",
    r"^\d{4}-(0[1-9]|1[0-2])$": "a month such as 2026-03",
    r"^(|scope1_fuel|scope1_process|scope2_location|scope2_market)$": (
        "one of scope1_fuel, scope1_process, scope2_location, scope2_market, or left empty"
    ),
}
"""Descriptions of the patterns used in records."""
_OF_A_KIND = {
    "a number": ("float_type", "float_parsing"),
    "a finite number": ("finite_number",),
    "a whole number": ("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
    "true or false": ("bool_type", "bool_parsing"),
    "text": ("string_type", "string_sub_type", "string_unicode"),
    "a list": ("list_type", "tuple_type", "set_type", "iterable_type"),
    "a mapping of keys to values": ("dict_type", "mapping_type", "model_type", "model_attributes_type"),
    "a date such as 2026-03-12": (
        "date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact",
    ),
    "a time such as 2026-03-12T06:00+01:00": (
        "datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid", "timezone_aware",
    ),
    "a span of time such as '14 h'": ("time_delta_type", "time_delta_parsing"),
}  # fmt: skip
KINDS = {kind: noun for noun, kinds in _OF_A_KIND.items() for kind in kinds}
"""Expected kind of value by Pydantic's type of error."""
BOUNDS = {
    "greater_than": ("more than", "gt"), "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"), "less_than_equal": ("at most", "le"),
}  # fmt: skip


def fault(item: Mapping[str, Any]) -> str:
    """Return the message for an item of ``ValidationError.errors()``; messages of record checks are kept."""
    kind, context, value = item["type"], item.get("ctx") or {}, item.get("input")
    if kind in ("value_error", "assertion_error"):
        return str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return "unknown key"
    if kind in ("literal_error", "enum"):
        return _choice(context, value)
    if kind in _COUNTED:
        return _COUNTED[kind](context, value)
    if kind in KINDS:
        noun = KINDS[kind]
        quotes = "; in quotes it is text" if noun == "text" and isinstance(value, int | float) else ""
        return f"must be {noun}, got {literal(value)}{quotes}"
    if kind in BOUNDS:
        words, key = BOUNDS[kind]
        return f"must be {words} {_amount(context[key])}, got {literal(value)}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return f"must be {PATTERNS.get(pattern, f'text like {pattern}')}, got {literal(value)}"
    text = str(item["msg"]).replace("Input should be", "must be")
    return f"{text[:1].lower()}{text[1:]}, got {literal(value)}"


def literal(value: Any) -> str:
    """Format a value briefly, as written in a scenario."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, int):
        return str(value)[:60]
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _choice(context: Mapping[str, Any], value: Any) -> str:
    allowed = re.findall(r"'[^']*'|\d+", str(context["expected"]))
    words = [word[1:-1] if re.fullmatch(r"'[\w /-]+'", word) else word for word in allowed]
    near = get_close_matches(str(value), words, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]}?" if near else ""
    prefix = "one of " if len(words) > 1 else ""
    return f"must be {prefix}{', '.join(words)}, got {literal(value)}{hint}"


def _amount(limit: Any) -> str:
    return f"{limit:,.0f}" if isinstance(limit, int | float) and limit == int(limit) and limit >= 1e5 else f"{limit:g}"


def _items(number: int) -> str:
    return f"{number} item{'' if number == 1 else 's'}"


_COUNTED: dict[str, Callable[[Mapping[str, Any], Any], str]] = {
    "too_short": lambda context, _: (
        f"must have at least {_items(context['min_length'])}, got {context['actual_length'] or 'none'}"
    ),
    "too_long": lambda context, value: (
        f"may have at most {_items(context['max_length'])}, got {context['actual_length'] or len(value)}"
    ),
    "string_too_short": lambda context, value: (
        f"must have at least {context['min_length']} characters, got {literal(value)}" if value else "must not be empty"
    ),
    "string_too_long": lambda context, value: (
        f"may have at most {context['max_length']} characters, got {len(value)}: {value[:40]!r} …"
    ),
}
