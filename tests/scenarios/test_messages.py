"""Messages: English text with id and parameters, which survive files of JSON."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from datetime import UTC, date, datetime

import pytest

from emberline.scenarios.messages import Message, dumps, loads, restored, sentences, with_messages

AT = datetime(2026, 6, 16, 6, 15, tzinfo=UTC)
LACKING = Message("{name} lacks {tonnes:.4g} t by {time}", name="clinker", tonnes=12.3456, time=AT)
NESTED = Message("{limit}, {day}: {units}", limit=LACKING, day=date(2026, 6, 16), units=("K1", Message("all locks")))
ALL = (LACKING, NESTED, Message("all locks"), sentences(LACKING, "Plain.", NESTED))


def test_a_message_is_its_english_text() -> None:
    """Proves: numbers by the id's format, times by the clock, lists with commas, messages within messages."""
    assert LACKING == "clinker lacks 12.35 t by Tue 16 Jun 06:15"
    assert NESTED == "clinker lacks 12.35 t by Tue 16 Jun 06:15, Tue 16 Jun: K1, all locks"
    assert sentences("", LACKING) is LACKING
    assert sentences("", "") == ""


@pytest.mark.parametrize("message", ALL)
def test_id_and_parameters_survive(message: Message) -> None:
    """Proves: str, copies, pickles, one line of JSON and a whole document keep id and parameters.

    Sensitivity: a parameter that JSON has no type for.
    """
    document = {"plain": "all", "deep": [{"verdict": message}]}
    read = restored(json.loads(json.dumps(with_messages(document))))
    assert read == document
    for other in (str(message), deepcopy(message), pickle.loads(pickle.dumps(message)), loads(dumps(message)),
                  read["deep"][0]["verdict"]):  # fmt: skip
        assert isinstance(other, Message)
        assert (other, other.id, other.params) == (message, message.id, message.params)


@pytest.mark.parametrize(
    "entry",
    [1, {}, {"id": "{x} t"}, {"id": "{0}", "params": {}}, {"id": "{x.y}", "params": {"x": 1}}, {"id": 3, "params": []},
     {"time": "noon"}, {"id": "something else", "params": {}}],
)  # fmt: skip
def test_an_altered_table_leaves_the_english_text(entry: object) -> None:
    """Proves: whatever stands in a table, the document opens, and no sentence says anything else than its text.

    Sensitivity: an id taken at its word."""
    read = restored({"verdict": "12 t", "messages": {"12 t": entry}})
    assert read == {"verdict": "12 t"}
    assert not isinstance(read["verdict"], Message)


def test_documents_of_earlier_releases_stay_as_they_are() -> None:
    """Proves: without a table of messages strings stay strings; plain text is no line of JSON."""
    assert restored({"verdict": "Feasible."}) == {"verdict": "Feasible."}
    assert with_messages({"verdict": "Feasible."}) == {"verdict": "Feasible."}
    assert loads(dumps("Feasible.")) == "Feasible."
    assert loads('{"id": "{x} t"') == '{"id": "{x} t"'
