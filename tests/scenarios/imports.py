"""Files to be imported, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emberline.scenarios import ScenarioError
from emberline.scenarios.importing import Imported, bring, guess, read


def brought(text: str | bytes, role: str = "load", zone: str | None = None, **message: Any) -> Imported:
    """A file as a series, its mapping guessed but for what is said."""
    content = text.encode() if isinstance(text, str) else text
    raw = read(content, "file.csv", sheet=message.get("sheet"))
    return bring(raw, guess(raw, role, message, zone).mapping)


def mistakes(text: str | bytes, role: str = "load", zone: str | None = None, **message: Any) -> list[str]:
    """The mistakes of a file that is refused."""
    with pytest.raises(ScenarioError) as caught:
        brought(text, role, zone, **message)
    return [str(problem) for problem in caught.value.problems]


def stamps(imported: Imported) -> list[str]:
    """Starts of the intervals, UTC."""
    return [datetime.fromtimestamp(second, UTC).isoformat()[:16] for second in imported.seconds.tolist()]


def hours(n: int = 4, value: str = "{h}", form: str = "2026-06-01T{h:02d}:00Z") -> str:
    """A file of so many hours."""
    return "time,load_mw\n" + "".join(f"{form},{value}\n".format(h=h) for h in range(n))


def quarters(form: Callable[[datetime, datetime], str], days: int = 3, first: str = "2025-10-23") -> list[str]:
    """A row for each quarter of an hour, of its start and its end on the wall; its value is its number."""
    starts = [datetime.fromisoformat(first) + timedelta(minutes=15 * i) for i in range(96 * days)]
    return [f"{form(at, at + timedelta(minutes=15))};{i},5" for i, at in enumerate(starts)]
