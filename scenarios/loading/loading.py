"""Load scenarios: YAML, overrides, validation and series. Every mistake is reported with its place."""

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
"""Largest number of mistakes reported for a scenario."""
LIBRARY = Path(str(files("emberline.scenarios"))) / "library"


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled scenarios."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.yaml")))


def find(name: str) -> Path:
    """Return the file of a scenario, given as a path or by the name of a bundled scenario.

    Raises:
        ScenarioError: neither exists.
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
"""``key.path=value`` or ``@overlay.yaml`` as on the command line, or a dotted key and its value."""


def load(name: str | Path, overrides: Iterable[Override] = ()) -> Case:
    """Load a scenario from a file, or a bundled one by name.

    Args:
        name: path of a YAML file, or the name of a bundled scenario.
        overrides: changes, applied in order.

    Raises:
        ScenarioError: the scenario is invalid; lists all mistakes found.
    """
    path = find(str(name))
    return build(yaml_document.read(path), path.parent, overrides)


def loads(text: str, name: str = "scenario.yaml", overrides: Iterable[Override] = (), folder: Path = Path(".")) -> Case:
    """Load a scenario from text; paths of series are relative to ``folder``."""
    return build(yaml_document.parse(text, name), folder, overrides)


def changed(scenario: Case, overrides: Iterable[Override]) -> Case:
    """Return a scenario with changed keys, rebuilt from its document, including series.

    Raises:
        ScenarioError: the changed scenario is invalid; lists all mistakes found.
        ValueError: it has no document, such as the scenario of a stored run.
    """
    if scenario.document is None:
        raise ValueError(f"scenario {scenario.name} was not read from a document")
    return build(deepcopy(scenario.document), scenario.folder, overrides)


def resolve(scenario: Scenario, folder: Path = Path(".")) -> Case:
    """Resolve the series of a scenario.

    Args:
        scenario: scenario without series, such as one created in Python.
        folder: folder to which paths of series are relative.

    Raises:
        ValueError: a series cannot be resolved.
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
        currency = "EUR"  # the mistake is reported elsewhere; quantities need a valid currency
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
        if all(problem.key != "horizon.zone" for problem in problems):  # otherwise its days may be wrong
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
    """Return the scenario without invalid values, so that inconsistencies are reported in the same pass.

    Invalid optional values are replaced by their defaults and invalid required numbers by 1. Return None if this is not
    sufficient, or if a name or a whole part is invalid, since other mistakes may merely be consequences.
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
                place[last] = str(place[last])[:10]  # the date is valid even if the time has no offset
            elif path == ["horizon", "step_min"]:
                place[last] = 1  # times on any other grid are on this grid too
            elif isinstance(place, dict) and last in place:
                del place[last]
        try:
            return Scenario.model_validate(data, context=context)
        except ValidationError as again:
            error = again
    return None


def _faulty_part(item: Any, path: list[Any], data: Any) -> bool:
    """Return whether a mistake concerns a name, a whole part, or a value in place of a part."""
    if path == ["name"]:
        return False  # nothing refers to the name of the scenario
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
    # quantities are converted to the unit of the record's carrier, so they are not judged without it
    items = [item for item in items if item["loc"] in carriers or (*item["loc"][:-1], "carrier") not in carriers]
    misspelt = {(*path[:-1], near) for item in items if item["type"] == "extra_forbidden"
                for path in [_keys(item, data)] if (near := _nearest_key(path))}  # fmt: skip
    strange = {_keys(item, data) for item in items if item["type"] == "extra_forbidden"}
    for item in items:
        if item["type"] == "too_short" and any(len(o["loc"]) > len(item["loc"]) for o in items if _below(o, item)):
            continue  # pydantic counts only valid items, and the mistakes of the others are reported already
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
    """Return the end of a message: the similar field if any, else the allowed fields, else an empty text."""
    near, names = _nearest_key(path), _fields(path)
    if near:
        return f"; did you mean {near}?"
    return f"; allowed are {', '.join(names)}" if names else ""


def _nearest_key(path: Keys) -> str | None:
    """Return the field most similar to an unknown key."""
    return next(iter(get_close_matches(str(path[-1])[:100], _fields(path), n=1)), None)


def _fields(path: Keys) -> list[str]:
    """Return the names of the fields allowed at the place of a key."""
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
    """Return whether a mapping has only unknown keys, so that missing keys need not be reported."""
    mapping = value_at(data, path)
    return isinstance(mapping, dict) and bool(mapping) and all((*path, key) in unknown for key in mapping)


def _keys(item: Any, data: Any) -> Keys:
    """Return the path of a mistake in the document."""
    keys: list[str | int] = []
    place = data
    for part in item["loc"]:
        if not _is_key(part) or (isinstance(part, int) and isinstance(place, dict)):
            continue  # a list with one item may be written without brackets
        if not isinstance(place, dict | list):
            break  # a record may be written as a single value
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
    # pydantic adds the tags of unions to the location, which are not keys of the document
    return isinstance(part, int) or not (part in ("date", "datetime", "timedelta") or part.startswith("function-"))


def _ordered(problems: list[Problem], name: str) -> list[Problem]:
    """Sort problems by line and shorten the list, with a final note if it was shortened."""

    def line(problem: Problem) -> tuple[int, int]:
        _, colon, number = problem.where.rpartition(":")
        return (0, int(number)) if colon and number.isdigit() else (1, 0)

    unique = sorted(dict.fromkeys(problems), key=line)
    if len(unique) <= MAX_MISTAKES:
        return unique
    return [*unique[:MAX_MISTAKES], Problem(name, "", f"has more mistakes; these are the first {MAX_MISTAKES}")]
