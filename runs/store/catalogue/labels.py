"""Names and tags that users give to runs: plain text, never part of a path, never markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from emberline.runs.store.catalogue.errors import StoreError

# Control characters and what changes the direction of text or is not seen; what begins HTML, a link, code or a formula.
_REFUSED = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    r"\U000e0000-\U000e0fff<>\[\]{}`\\|$"
)
NAME = re.compile(rf"[^{_REFUSED}]{{1,80}}\Z")
TAG = re.compile(rf"[^{_REFUSED}\s,;]{{1,30}}\Z")
MOST_TAGS = 20
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
