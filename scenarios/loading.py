"""Loading a scenario: YAML, overrides, validation, series; every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scenarios import document as yaml_document
from scenarios import overlay
from scenarios.document import Document, dotted
from scenarios.faults import fault
from scenarios.files import named, unreadable
from scenarios.inputs import resolve_one
from scenarios.quantity import CURRENCIES
from scenarios.record import Problem, ScenarioError
from scenarios.scenario import Scenario

LIBRARY = Path(str(files("scenarios"))) / "library"


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


def load(name: str | Path, overrides: Iterable[str] = ()) -> Scenario:
    """Load a scenario from a file or by the name of a bundled one.

    Args:
        name: path of a YAML file, or the name of a bundled scenario.
        overrides: assignments ``key.path=value`` and overlays ``@file.yaml``, applied in order.

    Raises:
        ScenarioError: with every mistake found.
    """
    path = find(str(name))
    return build(yaml_document.read(path), path.parent, overrides)


def loads(text: str, name: str = "scenario.yaml", overrides: Iterable[str] = (), folder: Path = Path(".")) -> Scenario:
    """Load a scenario from text; paths of series are relative to ``folder``."""
    return build(yaml_document.parse(text, name), folder, overrides)


def build(document: Document, folder: Path, overrides: Iterable[str] = ()) -> Scenario:
    """Validate a document and resolve its series."""
    problems = list(document.problems)
    for assignment in overrides:
        try:
            if assignment.startswith("@"):
                overlay.lay(document, assignment[1:])
            else:
                yaml_document.override(document, assignment)
        except ScenarioError as error:
            problems += error.problems
    market = document.data.get("market")
    currency = market.get("currency", "EUR") if isinstance(market, dict) else "EUR"
    if currency not in CURRENCIES:
        currency = "EUR"  # told at its own place; quantities need one to be read in
    context: dict[str, Any] = {"currency": str(currency), "folder": folder}
    try:
        scenario: Scenario | None = Scenario.model_validate(document.data, context=context)
    except ValidationError as error:
        problems += _translate(document, error, document.data)
        scenario = _without_mistakes(document.data, error, context)
    if scenario is not None:
        scenario._folder = folder
        problems += [Problem(document.where(path), dotted(path), says) for path, says in scenario.mistakes()]
        problems += _check_series(scenario, document)
    if problems or scenario is None:
        raise ScenarioError(_ordered(problems))
    _ = scenario.inputs
    return scenario


def _without_mistakes(data: dict[str, Any], error: ValidationError, context: dict[str, Any]) -> Scenario | None:
    """The scenario with its faulty values left out, so that mistakes between the nouns are told in the same breath.

    Faulty optional values give way to their defaults and faulty required numbers to 1; None where that is not enough.
    """
    for _ in range(3):
        data = deepcopy(data)
        for item in error.errors(include_url=False):
            if item["type"] == "too_short":
                continue
            path = [part for part in item["loc"] if _is_key(part, data)]
            *parents, last = path or [""]
            place: Any = data
            for part in parents:
                place = place.get(part) if isinstance(place, dict) else place[int(part)]
            if isinstance(place, dict) and item["type"] == "missing":
                place[last] = "unnamed" if last == "name" else 1
            elif path == ["horizon", "start"]:
                place[last] = str(place[last])[:10]  # a time without offset still names its day
            elif isinstance(place, dict) and last in place:
                del place[last]
        try:
            return Scenario.model_validate(data, context=context)
        except ValidationError as again:
            error = again
    return None


def _check_series(scenario: Scenario, document: Document) -> Iterator[Problem]:
    for name, path, series, unit in scenario.series():
        try:
            resolve_one(scenario, name, series, unit)
        except ValueError as error:
            yield Problem(document.where(path), dotted(path), str(error))


def _translate(document: Document, error: ValidationError, data: Any) -> Iterator[Problem]:
    found = error.errors(include_url=False)
    for item in found:
        if item["type"] == "too_short" and any(len(o["loc"]) > len(item["loc"]) for o in found if _below(o, item)):
            continue  # pydantic counts the items that are valid: their own mistakes are told already
        path = tuple(part for part in item["loc"] if _is_key(part, data))
        key = dotted(path)
        says = fault(item)
        if item["type"] == "missing":
            path = path[:-1] if path and path[-1] == item["loc"][-1] else path
            key = dotted(tuple(item["loc"]))
        elif item["type"] == "extra_forbidden":
            says += _suggest(path)
        yield Problem(document.where(path), key, " ".join(says.split())[:300])


def _below(inner: Any, outer: Any) -> bool:
    return bool(inner["loc"][: len(outer["loc"])] == outer["loc"])


def _is_key(part: Any, data: Any) -> bool:
    # pydantic adds the tags of unions to the location; they are no keys of the document
    return isinstance(part, int) or not (part in ("date", "datetime", "timedelta") or part.startswith("function-"))


def _suggest(path: tuple[str | int, ...]) -> str:
    from difflib import get_close_matches

    model: Any = Scenario
    for part in path[:-1]:
        if isinstance(part, int) or model is None:
            continue
        field = getattr(model, "model_fields", {}).get(part)
        model = _record_of(field.annotation) if field else None
    names = list(getattr(model, "model_fields", {}))
    close = get_close_matches(str(path[-1]), names, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; allowed are {', '.join(names)}" if names else ""


def _record_of(annotation: Any) -> Any:
    from typing import get_args

    if hasattr(annotation, "model_fields"):
        return annotation
    return next((found for part in get_args(annotation) if (found := _record_of(part)) is not None), None)


def _ordered(problems: list[Problem]) -> list[Problem]:
    def line(problem: Problem) -> tuple[int, int]:
        _, colon, number = problem.where.rpartition(":")
        return (0, int(number)) if colon and number.isdigit() else (1, 0)

    unique = list(dict.fromkeys(problems))
    return sorted(unique, key=line)
