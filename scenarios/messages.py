"""Translatable messages, each with an id and parameters; ``reports/text`` translates them.

The id is the English sentence with ``{names}``, as in gettext. A message is a string with its English text, which
tables, logs and JSON show unchanged. Pages in another language translate it from id and parameters.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

MESSAGES = "messages"
"""Key in a JSON document for the ids and parameters of its messages, by English text."""


MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Exceptions raised for invalid message data."""


class Message(str):
    """Text with its id and parameters.

    Parameters are numbers (formatted according to the id), names, times, other messages, or tuples of these.
    """

    id: str
    params: dict[str, Any]

    def __new__(cls, id: str, /, **params: Any) -> Message:
        text = super().__new__(cls, worded(id, params, str, clock, ", ".join, thin))
        text.id, text.params = id, params
        return text

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Callable[..., Message], tuple[str, dict[str, Any]]]:
        return _message, (self.id, self.params)


def mark(id: str) -> str:
    """Mark a text for extraction as the id of a message, and return it unchanged."""
    return id


def worded(
    text: str,
    params: Mapping[str, Any],
    word: Callable[[str], str],
    time: Callable[[date], str],
    join: Callable[[list[str]], str],
    group: Callable[[str], str],
) -> str:
    """Insert parameters into a text.

    Args:
        text: text with ``{names}``.
        params: parameters by name.
        word: translates messages into the language of the text.
        time: formats times and days.
        join: formats a list.
        group: formats a number with separated thousands, given as ``-1,234.5``.
    """

    def part(value: Any) -> Any:
        if isinstance(value, str):
            return word(value) if isinstance(value, Message) else value
        if isinstance(value, date):
            return time(value)
        if isinstance(value, tuple | list):
            return join([str(part(item)) for item in value])
        return value

    values = {name: part(value) for name, value in params.items()}
    return _Grouped(group).vformat(text, (), values) if params else text


class _Grouped(string.Formatter):
    def __init__(self, group: Callable[[str], str]) -> None:
        self.group = group

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(format(value, format_spec))
        return self.group(text) if "," in format_spec else text


def thin(text: str) -> str:
    """Format a number in English: thin spaces between thousands, a true minus sign, none before zero."""
    text = text.replace(",", "\u202f").replace("-", "−")
    return text if any(digit in "123456789" for digit in text) else text.removeprefix("−")


def clock(at: date) -> str:
    """Format a local time or day in English."""
    return f"{at:%a %d %b %H:%M}" if isinstance(at, datetime) else f"{at:%a %d %b}"


def sentences(*parts: str) -> str:
    """Join several sentences, omitting empty ones."""
    texts = [part for part in parts if part]
    if len(texts) < 2:
        return texts[0] if texts else ""
    names = [f"sentence{i}" for i in range(len(texts))]
    return Message(" ".join(f"{{{name}}}" for name in names), **dict(zip(names, texts, strict=True)))


def table(data: Any) -> dict[str, Any]:
    """Return ids and parameters of all messages in plain data, by English text, ready for JSON."""
    return {str(message): _plain(message) for message in _messages(data)}


def with_messages(data: dict[str, Any]) -> dict[str, Any]:
    """Add the table of messages to a JSON document, unless it has no messages."""
    entries = table(data)
    return {**data, MESSAGES: entries} if entries else data


def dumps(message: str) -> str:
    """Serialize a message as one line of JSON; other text is returned unchanged."""
    return json.dumps(_plain(message), ensure_ascii=False) if isinstance(message, Message) else message


def loads(text: str) -> str:
    """Parse a line written by ``dumps``; other text is returned unchanged."""
    try:
        return str(_read(json.loads(text))) if text.startswith('{"id":') else text
    except MALFORMED:
        return text


def restored(data: dict[str, Any]) -> dict[str, Any]:
    """Restore the messages in a JSON document.

    Documents without a table, or with a modified table, keep their English text.
    """
    remaining = {key: value for key, value in data.items() if key != MESSAGES}
    entries = data.get(MESSAGES)
    if not isinstance(entries, dict):
        return remaining
    try:
        messages = {text: message for text, plain in entries.items() if (message := _read(plain)) == text}
    except MALFORMED:
        return remaining
    return dict(_replaced(remaining, messages))


def _message(id: str, params: dict[str, Any]) -> Message:
    return Message(id, **params)


def _messages(data: Any) -> Iterator[Message]:
    if isinstance(data, Message):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _messages(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _messages(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {"id": value.id, "params": {name: _plain(part) for name, part in value.params.items()}}
    if isinstance(value, date):
        return {"time" if isinstance(value, datetime) else "day": value.isoformat()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.item() if hasattr(value, "item") else value


def _read(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(map(_read, plain))
    if not isinstance(plain, dict):
        return plain
    if "time" in plain:
        return datetime.fromisoformat(plain["time"])
    if "day" in plain:
        return date.fromisoformat(plain["day"])
    return Message(plain["id"], **{name: _read(part) for name, part in plain["params"].items()})


def _replaced(data: Any, messages: Mapping[str, Message]) -> Any:
    if isinstance(data, str):
        return messages.get(data, data)
    if isinstance(data, dict):
        return {key: _replaced(value, messages) for key, value in data.items()}
    return [_replaced(value, messages) for value in data] if isinstance(data, list) else data
