"""What runs are searched by, as conditions on the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, or_, select

from emberline.runs.store.catalogue import labels
from emberline.runs.store.catalogue.entry import STATES
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.catalogue.tables import RUNS, TAGS


def conditions(
    text: str, tags: Iterable[str], scenario: str | None, state: str | None, since: datetime | None
) -> Iterator[ColumnElement[bool]]:
    """Conditions that all hold for what is searched.

    Raises:
        StoreError: there is no such state.
    """
    if state is not None and state not in STATES:
        raise StoreError(f"no run is {state[:40]!r}; states are {', '.join(STATES)}")
    yield RUNS.c.deleted.is_not(None) if state == "deleted" else RUNS.c.deleted.is_(None)
    if state not in (None, "deleted"):
        yield RUNS.c.state == state
    for word in labels.fold(text[:200]).split():
        yield or_(RUNS.c.words.contains(word, autoescape=True), RUNS.c.id.startswith(word, autoescape=True))
    for tag in tags:
        has = select(TAGS.c.run).where(TAGS.c.tag == labels.spelt(tag))
        yield RUNS.c.id.in_(has)
    if scenario is not None:
        yield RUNS.c.scenario == labels.plain(scenario)
    if since is not None:
        yield RUNS.c.created >= naive(since)


def naive(at: datetime) -> datetime:
    """An instant as the database keeps it: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)
