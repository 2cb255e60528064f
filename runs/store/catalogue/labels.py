"""Names and tags that users give to runs, and what runs are searched by.

They are plain text, never part of a path, never markup.
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

# Control characters and what changes the direction of text or is not seen; what begins HTML, a link, code or a formula.
_REFUSED = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e0fff<>\[\]{}`\\|$"
)
NAME = re.compile(rf"[^{_REFUSED}]{{1,80}}\Z")
TAG = re.compile(rf"[^{_REFUSED}\s,;]{{1,30}}\Z")
MAX_TAGS = 20
"""For one run."""


def name(text: str) -> str:
    """A name as it is kept; an empty one takes the name away.

    Raises:
        StoreError: it is too long, or has characters that names may not have.
    """
    label = unicodedata.normalize("NFC", text).strip(" ")
    if label and not NAME.match(label):
        raise StoreError(f"a name has at most 80 characters, none of them a control character or one of {_SIGNS}")
    return label


def tags(texts: Iterable[str]) -> set[str]:
    """Tags as they are kept: in small letters.

    Raises:
        StoreError: one is empty, too long, or has characters that tags may not have.
    """
    labels = {unicodedata.normalize("NFC", text).strip(" ").lower() for text in texts}
    if not all(TAG.match(tag) for tag in labels):
        raise StoreError(
            "a tag has 1 to 30 characters, none of them a space, a comma, a semicolon, a control character or one of "
            + _SIGNS
        )
    return labels


def spelt(tag: str) -> str:
    """A tag that is looked for, as :func:`tags` would keep it."""
    return unicodedata.normalize("NFC", plain(tag)).strip(" ").lower()


def plain(text: str) -> str:
    """Text as both databases can keep it: no control characters, nothing that has no UTF-8."""
    return "".join(sign if sign >= " " else " " for sign in text).encode("utf-8", "replace").decode()


def fold(*texts: str) -> str:
    """Text in which and for which is searched, without regard to case."""
    return " ".join(unicodedata.normalize("NFC", plain(text)).casefold() for text in texts if text)


_SIGNS = "< > [ ] { } ` \\ | $"


class Filter(TypedDict, total=False):
    """Runs that are searched: words which all occur in name, scenario, title or tags, or with which the id begins; tags
    which all of them have; name of the scenario; state, of ``STATES``, None: any, but not deleted; not before when."""

    text: str
    tags: Iterable[str]
    scenario: str | None
    state: str | None
    since: datetime | None


def conditions(**where: Unpack[Filter]) -> Iterator[ColumnElement[bool]]:
    """Conditions that all hold for what is searched.

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
    """An instant as the database keeps it: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None)
