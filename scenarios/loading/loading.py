"""Loading a scenario: YAML, overrides, validation, series; every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from emberline.scenarios.case.case import Case
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.reading import document as yaml_document
from emberline.scenarios.reading import overlay
from emberline.scenarios.reading.document import Document, Keys, dotted, value_at
from emberline.scenarios.reading.factor_table import factor_table
from emberline.scenarios.reading.files import named, unreadable
from emberline.scenarios.reading.inputs import as_inputs, resolve_one
from emberline.scenarios.reading.series import Resolved
from emberline.scenarios.records.base import Misplaced, Problem, ScenarioError, Unjudged
from emberline.scenarios.records.emissions import READ
from emberline.scenarios.records.faults import fault
from emberline.scenarios.records.quantity import APPARENT, CURRENCIES
from emberline.scenarios.records.series import Entry

MAX_MISTAKES = 50
"""Mistakes of a scenario that are reported at once."""
LIBRARY = Path(str(files("emberline.scenarios"))) / "library"


def bundled() -> tuple[str, ...]:
    """Names of the scenarios that come with Emberline."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.yaml")))


def find(name: str) -> Path:
    """The file of a scenario: a path, or the name of a bundled scenario.

    Raises:
        ScenarioError: there is neither.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        wrong = unreadable(path)
        if wrong:
            raise ScenarioError([Problem(named(name), "", wrong)])
        return path
    if name in bundled():
        return LIBRARY / f"{name}.yaml"
    raise ScenarioError([Problem(named(name[:80]), "", f"no such scenario; bundled are {', '.join(bundled())}")])


Override = str | tuple[str, Any]
"""``key.path=value`` or ``@overlay.yaml`` as on the command line, or a dotted key with its value."""


def load(name: str | Path, overrides: Iterable[Override] = ()) -> Case:
    """Load a scenario from a file or by the name of a bundled one.

    Args:
        name: path of a YAML file, or the name of a bundled scenario.
        overrides: applied in order.

    Raises:
        ScenarioError: with every mistake found.
    """
    path = find(str(name))
    return build(yaml_document.read(path), path.parent, overrides)


def loads(text: str, name: str = "scenario.yaml", overrides: Iterable[Override] = (), folder: Path = Path(".")) -> Case:
    """Load a scenario from text; paths of series are relative to ``folder``."""
    return build(yaml_document.parse(text, name), folder, overrides)


def changed(scenario: Case, overrides: Iterable[Override]) -> Case:
    """The same scenario with some keys changed: read again from its document, series included.

    Raises:
        ScenarioError: with every mistake found.
        ValueError: it has no document, such as that of a stored run.
    """
    if scenario.document is None:
        raise ValueError(f"scenario {scenario.name} was not read from a document")
    return build(deepcopy(scenario.document), scenario.folder, overrides)


def resolve(scenario: Scenario, folder: Path = Path(".")) -> Case:
    """A scenario with its series.

    Args:
        scenario: what is known of it, such as one made in Python.
        folder: that paths of series are relative to.

    Raises:
        ValueError: a series cannot be had.
    """
    values = [(entry, resolve_one(entry, scenario.horizon, folder)) for entry in scenario.series()]
    return Case.of(scenario, as_inputs(scenario, values), folder)


def build(document: Document, folder: Path, overrides: Iterable[Override] = ()) -> Case:
    """Validate a document and resolve its series."""
    problems = list(document.problems)
    for assignment in overrides:
        try:
            if isinstance(assignment, tuple):
                yaml_document.assign(document, *assignment)
            elif assignment.startswith("@"):
                overlay.lay(document, assignment[1:])
            else:
                yaml_document.override(document, assignment)
        except ScenarioError as error:
            problems += error.problems
    currency = value_at(document.data, ("market", "currency"))
    if currency not in CURRENCIES:
        currency = "EUR"  # reported at its own place; quantities need one to be read in
    zone = value_at(document.data, ("horizon", "zone")) or ""
    context: dict[str, Any] = {"currency": currency, "zone": str(zone), APPARENT: []}
    context[READ] = partial(factor_table, folder)
    try:
        scenario: Scenario | None = Scenario.model_validate(document.data, context=context)
    except ValidationError as error:
        problems += islice(_translate(document, error, document.data), MAX_MISTAKES + 1)
        scenario = _without_mistakes(document.data, error, context) if len(problems) <= MAX_MISTAKES else None
    values: list[tuple[Entry, Resolved]] = []
    if scenario is not None:
        between = islice(between_nouns(scenario), MAX_MISTAKES + 1)
        problems += [Problem(document.where(path), dotted(path), text) for path, text in between]
        if all(problem.key != "horizon.zone" for problem in problems):  # else its days may lie elsewhere
            for entry in scenario.series():
                try:
                    values.append((entry, resolve_one(entry, scenario.horizon, folder)))
                except ValueError as error:
                    place = error.below(entry[1]) if isinstance(error, Misplaced) else entry[1]
                    problems.append(Problem(document.where(place), dotted(place), str(error)))
    if problems or scenario is None:
        raise ScenarioError(_ordered(problems, document.name))
    return Case.of(scenario, as_inputs(scenario, values), folder, document, tuple(dict.fromkeys(context[APPARENT])))


def _without_mistakes(data: dict[str, Any], error: ValidationError, context: dict[str, Any]) -> Scenario | None:
    """The scenario with its faulty values left out, so that mistakes between the nouns are reported in the same pass.

    Faulty optional values give way to their defaults and faulty required numbers to 1. None where that is not enough,
    or where a name or a whole part is faulty: what else does not fit then may follow from that alone.
    """
    for _ in range(3):
        data = deepcopy(data)
        for item in error.errors(include_url=False):
            if item["type"] == "too_short" or _unjudged(item):
                continue
            path = list(_keys(item, data))
            if _faulty_part(item, path, data):
                return None
            *parents, last = path or [""]
            place = value_at(data, parents)
            if isinstance(place, dict) and item["type"] == "missing":
                place[last] = "unnamed" if last == "name" else 1
            elif path == ["horizon", "start"]:
                place[last] = str(place[last])[:10]  # a time without offset still names its day
            elif path == ["horizon", "step_min"]:
                place[last] = 1  # on which every time lies that lies on any step
            elif isinstance(place, dict) and last in place:
                del place[last]
        try:
            return Scenario.model_validate(data, context=context)
        except ValidationError as again:
            error = again
    return None


def _faulty_part(item: Any, path: list[Any], data: Any) -> bool:
    """Whether a mistake lies in a name, in a whole part, or where a part should stand."""
    if path == ["name"]:
        return False  # the scenario's, which nothing refers to
    if item["type"] == "missing":
        return bool(path[-1:] == ["name"])
    value = value_at(data, path)
    parts = ("dict_type", "mapping_type", "list_type", "tuple_type", "model_type", "model_attributes_type")
    named = path[-1:] == ["name"]
    free = item["type"] != "extra_forbidden" and path[-1:] and path[-1] not in _fields(tuple(path))
    part = isinstance(value, dict | list) and item["type"] not in ("float_type", "int_type", "bool_type")
    return bool(part or item["type"] in parts or named or free)


def _translate(document: Document, error: ValidationError, data: Any) -> Iterator[Problem]:
    items = [item for item in error.errors(include_url=False) if not _unjudged(item)]
    carriers = {item["loc"] for item in items if item["loc"][-1:] == ("carrier",)}
    # a quantity is read in the unit of its record's carrier
    items = [item for item in items if item["loc"] in carriers or (*item["loc"][:-1], "carrier") not in carriers]
    misspelt = {(*path[:-1], near) for item in items if item["type"] == "extra_forbidden"
                for path in [_keys(item, data)] if (near := _nearest_key(path))}  # fmt: skip
    strange = {_keys(item, data) for item in items if item["type"] == "extra_forbidden"}
    for item in items:
        if item["type"] == "too_short" and any(len(o["loc"]) > len(item["loc"]) for o in items if _below(o, item)):
            continue  # pydantic counts the items that are valid: their own mistakes are reported already
        path = _keys(item, data)
        key = dotted(path)
        text = fault(item)
        if item["type"] == "missing":
            if path in misspelt or _strange(data, path[:-1], strange):
                continue
            path = path[:-1] if path and path[-1] == item["loc"][-1] else path
            key = dotted((*path, item["loc"][-1]))
        elif item["type"] == "extra_forbidden":
            text += suggestion(path)
        yield Problem(document.where(path), key, " ".join(text.split())[:300])


def suggestion(path: Keys) -> str:
    """End of a message: the field that is meant, else the fields that are allowed; empty where there are none."""
    near, names = _nearest_key(path), _fields(path)
    if near:
        return f"; did you mean {near}?"
    return f"; allowed are {', '.join(names)}" if names else ""


def _nearest_key(path: Keys) -> str | None:
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


def _strange(data: Any, path: Keys, unknown: set[Keys]) -> bool:
    """Whether a mapping has unknown keys only: what it lacks need not be reported as well."""
    mapping = value_at(data, path)
    return isinstance(mapping, dict) and bool(mapping) and all((*path, key) in unknown for key in mapping)


def _keys(item: Any, data: Any) -> Keys:
    """Keys that lead to a mistake in the document."""
    keys: list[str | int] = []
    place = data
    for part in item["loc"]:
        if not _is_key(part) or (isinstance(part, int) and isinstance(place, dict)):
            continue  # a list of one may be written without its list
        if not isinstance(place, dict | list):
            break  # a record may be written as one value
        keys.append(part)
        inside = part in place if isinstance(place, dict) else isinstance(part, int) and part < len(place)
        place = place[part] if inside else {}
    path, error = tuple(keys), (item.get("ctx") or {}).get("error")
    return error.below(path) if isinstance(error, Misplaced) else path


def _unjudged(item: Any) -> bool:
    return isinstance((item.get("ctx") or {}).get("error"), Unjudged)


def _below(inner: Any, outer: Any) -> bool:
    return bool(inner["loc"][: len(outer["loc"])] == outer["loc"])


def _is_key(part: Any) -> bool:
    # pydantic adds the tags of unions to the location; they are no keys of the document
    return isinstance(part, int) or not (part in ("date", "datetime", "timedelta") or part.startswith("function-"))


def _ordered(problems: list[Problem], name: str) -> list[Problem]:
    """The first problems by their lines, and how many more there are."""

    def line(problem: Problem) -> tuple[int, int]:
        _, colon, number = problem.where.rpartition(":")
        return (0, int(number)) if colon and number.isdigit() else (1, 0)

    unique = sorted(dict.fromkeys(problems), key=line)
    if len(unique) <= MAX_MISTAKES:
        return unique
    return [*unique[:MAX_MISTAKES], Problem(name, "", f"has more mistakes; these are the first {MAX_MISTAKES}")]
