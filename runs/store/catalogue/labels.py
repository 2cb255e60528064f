"""Names and tags that users give to runs, and search conditions.

Labels are plain text, never part of a path and never markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, or_, select

from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.catalogue.tables import RUNS, STATES, TAGS

# control characters, invisible or direction-changing characters, and those that begin HTML, links, code or formulas
_REFUSED = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e0fff<>\[\]{}`\\|$"
)
NAME = re.compile(rf"[^{_REFUSED}]{{1,80}}\Z")
TAG = re.compile(rf"[^{_REFUSED}\s,;]{{1,30}}\Z")
MAX_TAGS = 20
"""Maximum number of tags of a run."""


def name(text: str) -> str:
    """Normalize a name; an empty text removes the name.

    Raises:
        StoreError: the name is too long, or contains invalid characters.
    """
    label = unicodedata.normalize("NFC", text).strip(" ")
    if label and not NAME.match(label):
        raise StoreError(f"a name has at most 80 characters, none of them a control character or one of {_SIGNS}")
    return label


def tags(texts: Iterable[str]) -> set[str]:
    """Normalize tags to lower case.

    Raises:
        StoreError: a tag is empty, too long, or contains invalid characters.
    """
    labels = {unicodedata.normalize("NFC", text).strip(" ").lower() for text in texts}
    if not all(TAG.match(tag) for tag in labels):
        raise StoreError(
            "a tag has 1 to 30 characters, none of them a space, a comma, a semicolon, a control character or one of "
            + _SIGNS
        )
    return labels


def spelt(tag: str) -> str:
    """Normalize a tag for a search, like :func:`tags`."""
    return unicodedata.normalize("NFC", plain(tag)).strip(" ").lower()


def plain(text: str) -> str:
    """Remove control characters and text without a UTF-8 encoding, which the databases cannot store."""
    return "".join(sign if sign >= " " else " " for sign in text).encode("utf-8", "replace").decode()


def fold(*texts: str) -> str:
    """Join texts and fold their case, for searching."""
    return " ".join(unicodedata.normalize("NFC", plain(text)).casefold() for text in texts if text)


_SIGNS = "< > [ ] { } ` \\ | $"


class Filter(TypedDict, total=False):
    """Filter conditions: words that all occur in name, scenario, title or tags, or as the beginning of the id; tags
    that a run must have; name of the scenario; state, one of ``STATES`` (None: all except deleted); earliest time."""

    text: str
    tags: Iterable[str]
    scenario: str | None
    state: str | None
    since: datetime | None


def conditions(**where: Unpack[Filter]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that a run must satisfy.

    Raises:
        StoreError: there is no such state.
    """
    state, scenario, since = where.get("state"), where.get("scenario"), where.get("since")
    if state is not None and state not in STATES:
        raise StoreError(f"no run is {state[:40]!r}; states are {', '.join(STATES)}")
    yield RUNS.c.deleted.is_not(None) if state == "deleted" else RUNS.c.deleted.is_(None)
    if state not in (None, "deleted"):
        yield RUNS.c.state == state
    for word in fold(where.get("text", "")[:200]).split():
        yield or_(RUNS.c.words.contains(word, autoescape=True), RUNS.c.id.startswith(word, autoescape=True))
    for tag in where.get("tags", ()):
        has = select(TAGS.c.run).where(TAGS.c.tag == spelt(tag))
        yield RUNS.c.id.in_(has)
    if scenario is not None:
        yield RUNS.c.scenario == plain(scenario)
    if since is not None:
        yield RUNS.c.created >= naive(since)


def naive(at: datetime) -> datetime:
    """Convert an instant to the database's format: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)
