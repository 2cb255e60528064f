"""Structure of the code: imports go only downward, folders stay small, and nothing names a machine or a registry."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BELOW = {  # room: the rooms it may import from
    "scenarios": set(),
    "twin": {"scenarios"},
    "models": {"scenarios"},
    "planning": {"scenarios", "twin", "models"},
    "studies": {"scenarios", "twin", "models", "planning"},
    "runs": {"scenarios", "twin", "models", "planning", "studies"},
    "reports": {"scenarios", "twin", "models", "planning", "studies", "runs"},
    "live": {"scenarios", "twin", "models", "planning", "studies", "runs", "reports"},
    "ui": {"scenarios", "twin", "models", "planning", "studies", "runs", "reports", "live"},
    "app": {"ui"},
}
ROOMS = [room for room in BELOW if room != "app"]
ASSETS = "emberline.scenarios.assets"
SIDE_BY_SIDE = 16
"""Most Python files in one folder."""
LONGEST_CHAIN = {
    "scenarios": 10,
    "twin": 10,
    "models": 12,
    "planning": 12,
    "studies": 12,
    "runs": 12,
    "reports": 12,
    "live": 10,
    "ui": 10,
}
"""Most modules of a room that import each other one after the other; those of a circle count all of them."""
OPEN = ("reports.text", "reports.charts")
"""Folders of words and drawings: whoever shows something uses them name by name, so that each module is a door."""


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py")) or sorted(ROOT.glob(f"{room}.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imported(path: Path) -> frozenset[str]:
    """Modules and names that a file imports, wherever in the file it does so; rooms without ``emberline.``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the room's name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    bare = {name for name in names if name.split(".")[0] in ROOMS}
    assert not bare, f"{path}: {bare} without the package emberline: another module of that name would be taken"
    return frozenset(name.removeprefix("emberline.") for name in names)


@cache
def _modules() -> dict[str, set[str]]:
    """Every module of the rooms with the modules that it imports."""
    paths = {_name(path): path for room in ROOMS for path in _files(room)}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        targets = (target if target in paths else target.rpartition(".")[0] for target in _imported(path))
        graph[name] = {target for target in targets if target in paths and target != name}
    return graph


@pytest.mark.parametrize("room", BELOW)
def test_imports_go_only_downward(room: str) -> None:
    """Proves: scenarios ← twin, models ← planning ← studies ← runs ← reports ← live ← ui ← app.py.

    Sensitivity: twin importing models fails here."""
    forbidden = (set(BELOW) | {"tests", "benchmarks"}) - BELOW[room] - {room}
    files = _files(room)
    assert files, f"there is no {room}"
    rooms = {str(file.relative_to(ROOT)): {name.split(".")[0] for name in _imported(file)} for file in files}
    wrong = {file: names & forbidden for file, names in rooms.items() if names & forbidden}
    assert not wrong, wrong


@pytest.mark.parametrize("room", ROOMS)
def test_no_folder_is_crowded(room: str) -> None:
    """Proves: a reader finds a file from the listing. Sensitivity: a seventeenth file in a folder fails here."""
    crowded = {
        str(k.relative_to(ROOT)): n for k, n in Counter(f.parent for f in _files(room)).items() if n > SIDE_BY_SIDE
    }
    assert not crowded, crowded


def _foreign(tree: ast.AST) -> set[str]:
    """Names that stand for another package's modules, or for something that comes from there."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                (alias.asname or alias.name).split(".")[0] for alias in node.names if "emberline" not in alias.name
            }
        elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith("emberline"):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


HOOKS = {"sys.unraisablehook"}
"""Attributes that Python offers to be set."""


def _changed(node: ast.AST) -> list[ast.expr]:
    """What a statement assigns to or deletes; the first argument of ``setattr`` and ``delattr``."""
    if isinstance(node, ast.Assign | ast.Delete):
        return node.targets
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr"):
        return [ast.Attribute(node.args[0], "", ast.Store())]
    return []


def _patches(source: str) -> list[str]:
    """Where a file reaches into another package: attributes set there, ``builtins``, private names of Pyomo."""
    tree = ast.parse(source)
    foreign, wrong = _foreign(tree), []
    for node in ast.walk(tree):
        for target in (part for changed in _changed(node) for part in ast.walk(changed)):
            if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store | ast.Del):
                base: ast.expr = target
                while isinstance(base, ast.Attribute | ast.Subscript):
                    base = base.value
                if isinstance(base, ast.Name) and base.id in foreign and ast.unparse(target) not in HOOKS:
                    wrong.append(f"{node.lineno}: {ast.unparse(node)}")  # type: ignore[attr-defined]
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pyomo"):
            private = any(
                part.startswith("_") for part in [*str(node.module).split("."), *(a.name for a in node.names)]
            )
            wrong += [f"{node.lineno}: {ast.unparse(node)}"] * private
        if isinstance(node, ast.Import | ast.ImportFrom) and "builtins" in ast.unparse(node):
            wrong.append(f"{node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.ClassDef):
            bases = [part.attr for base in node.bases for part in ast.walk(base) if isinstance(part, ast.Attribute)]
            wrong += [f"{node.lineno}: class {node.name}({name})" for name in bases if name.startswith("_")]
    return wrong


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_package_is_patched(room: str) -> None:
    """Proves: other packages are used as they are. Sensitivity: an attribute of Pyomo's module that is replaced."""
    table = {str(path.relative_to(ROOT)): _patches(path.read_text(encoding="utf-8")) for path in _files(room)}
    assert not {path: wrong for path, wrong in table.items() if wrong}


@pytest.mark.parametrize(
    "source",
    [
        "import builtins",
        "from pyomo.core.base import var\nvar.IndexedVar = int",
        "import pyomo.environ as pyo\nsetattr(pyo, 'Var', int)",
        "from pyomo.core.expr.template_expr import _template_iter_context",
        "from pyomo.core.expr import template_expr\nclass A(template_expr._B): pass",
    ],
)
def test_a_patch_is_seen(source: str) -> None:
    """Proves: what the test above looks for is found where it is. Sensitivity: a kind of patch that it overlooks."""
    assert _patches(source)


@cache
def _circle(module: str) -> frozenset[str]:
    """The modules that a module imports and that import it, directly or not; itself alone where there is no circle."""
    return frozenset(other for other in _reached(module) if module in _reached(other)) | {module}


@cache
def _reached(module: str) -> frozenset[str]:
    """All modules that a module imports, directly or not."""
    reached: set[str] = set()
    waiting = list(_modules()[module])
    while waiting:
        target = waiting.pop()
        if target not in reached:
            reached.add(target)
            waiting += _modules()[target]
    return frozenset(reached)


@cache
def _chain(module: str) -> tuple[str, ...]:
    """The longest chain of imports within a module's room that begins there; a circle counts with all its modules.

    Imports in functions and those for type checkers only count as well: who reads the module follows them all the same.
    """
    circle = _circle(module)
    room = module.split(".")[0]
    targets = {target for member in circle for target in _modules()[member] if target.split(".")[0] == room} - circle
    return (*sorted(circle), *max((_chain(target) for target in sorted(targets)), key=len, default=()))


@pytest.mark.parametrize("room", ROOMS)
def test_chains_of_imports_are_short(room: str) -> None:
    """Proves: a reader reaches the bottom of a room in few files. Sensitivity: one more layer of imports fails here."""
    chain = max((_chain(module) for module in _modules() if module.split(".")[0] == room), key=len)
    assert len(chain) <= LONGEST_CHAIN[room], f"{len(chain)} modules: {' > '.join(chain)}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_imports_go_in_circles(room: str) -> None:
    """Proves: every module can be read after those it imports. Sensitivity: a type-only import back up fails here."""
    modules = [module for module in _modules() if module.split(".")[0] == room]
    circles = {_circle(module) for module in modules if len(_circle(module)) > 1}
    assert not circles, [sorted(circle) for circle in circles]


def _pairs(graph: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """Folders of one room, and rooms, that import each other; modules at the top of a room belong to no folder."""
    packages = {name for name in graph if any(other.startswith(f"{name}.") for other in graph)}
    edges: set[tuple[str, str]] = set()
    for name, targets in graph.items():
        for target in targets:
            one, other = name.split("."), target.split(".")
            if one[0] != other[0]:
                edges.add((one[0], other[0]))
            elif len(one) > 1 and len(other) > 1 and one[1] != other[1]:
                folders = ".".join(one[:2]), ".".join(other[:2])
                if set(folders) <= packages:
                    edges.add(folders)
    return {(one, other) for one, other in edges if one < other and (other, one) in edges}


def test_folders_of_a_room_import_one_way() -> None:
    """Proves: a room can be read folder by folder, from the bottom up. Sensitivity: an import from ``records`` into
    ``assets``, as it is planted here."""
    graph = _modules()
    assert not _pairs(graph)
    planted = {**graph, "scenarios.records.base": {*graph["scenarios.records.base"], "scenarios.assets.base"}}
    assert _pairs(planted) == {("scenarios.assets", "scenarios.records")}


RECORDS = ("records", "assets", "energy_states", "process", "tariff", "case")
"""Folders of ``scenarios/`` that hold what a file says, and read none."""
READS = {"open", "read", "read_text", "read_bytes", "read_csv", "read_parquet", "stat", "exists", "is_file", "is_dir",
         "iterdir", "glob", "rglob", "files"}  # fmt: skip


def _reads(source: str) -> list[str]:
    """Calls of a file that look at the disk: the function ``open``, methods of paths, of pandas and of package data."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr in READS]
    return names + [call.id for call in calls if isinstance(call, ast.Name) and call.id in ("open", "files")]


@pytest.mark.parametrize("folder", RECORDS)
def test_records_read_no_files(folder: str) -> None:
    """Proves: a record is what it is given; series and tables are read by ``reading``, which stands above.

    Sensitivity: each way of reading that is planted below."""
    paths = sorted((ROOT / "scenarios" / folder).glob("*.py"))
    assert paths
    assert not {path.name: calls for path in paths if (calls := _reads(path.read_text(encoding="utf-8")))}
    below = {name.split(".")[1] for path in paths for name in _imported(path) if name.startswith("scenarios.")}
    assert not below & {"reading", "loading", "importing"}
    for planted in ("open(path)", "path.read_text()", "folder.exists()", "pd.read_csv(path)", "files('emberline')"):
        assert _reads(planted)


@pytest.mark.parametrize("room", ROOMS)
def test_kinds_of_assets_are_distinguished_in_their_registry(room: str) -> None:
    """Proves: a new kind is found without a list of places. Sensitivity: ``isinstance(asset, Storage)`` in a page."""
    wrong = []
    for path in _files(room):
        if path.is_relative_to(ROOT / "scenarios" / "assets"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        kinds = {
            alias.name for node in imports if (node.module or "").startswith(ASSETS) for alias in node.names
        }  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                names = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                wrong += [f"{path}:{node.lineno}: {name}" for name in names & kinds]
    assert not wrong, wrong


def _unfit(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Names that a test should not import: of another test module, or private ones."""
    module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    names = [module + alias.name for alias in node.names]
    return [name for name in names if re.search(r"(^|\.)(test_|_(?!_))", name)]


def _asks_for_a_kind(path: Path) -> set[int]:
    """Lines that ask whether a scenario has heats, processes or any producer at all."""
    tests: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            tests.append(node.test)
        elif isinstance(node, ast.comprehension):
            tests += node.ifs
        elif isinstance(node, ast.BoolOp):
            tests += node.values
    plain = (test.operand if isinstance(test, ast.UnaryOp) else test for test in tests)
    return {
        test.lineno
        for test in plain
        if isinstance(test, ast.Attribute) and test.attr in {"heats", "processes", "orders", "producers"}
    }


def test_rooms_above_the_twin_iterate_producers() -> None:
    """Proves: hardly any code that plans, studies, reports or shows asks what kind of producer a scenario has."""
    rooms = [room for room in ROOMS if room not in {"scenarios", "twin", "models"}]
    asking = {_name(path): lines for room in rooms for path in _files(room) if (lines := _asks_for_a_kind(path))}
    assert sum(map(len, asking.values())) <= 20, asking


def test_tests_import_neither_tests_nor_private_names() -> None:
    """Proves: a test can be moved or left out alone, and a room renames what is its own. What several tests need is in
    modules next to them. Sensitivity: ``from test_ledger import …`` and ``from … import _Renewal`` fail here.
    """
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _unfit(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_test_folders_mirror_the_rooms() -> None:
    """Proves: the tests of a folder are found by its name, and seen at a glance.

    Sensitivity: a folder that its room has not, or more test modules in one than a room may have."""
    rooms = [*ROOMS, "benchmarks"]
    folders = Counter(path.parent for room in rooms for path in (ROOT / "tests" / room).rglob("test_*.py"))
    below = {folder.relative_to(ROOT / "tests") for folder in folders}
    assert not {str(folder) for folder in below if not (ROOT / folder).is_dir()}
    assert not {str(folder): count for folder, count in folders.items() if count > SIDE_BY_SIDE}


def test_test_files_have_names_of_their_own() -> None:
    """Proves: every test is collected, since pytest takes two files of one name for the same module.

    Sensitivity: a second ``test_site.py``."""
    names = Counter(
        path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("__init__.py", "conftest.py")
    )
    assert not [name for name, count in names.items() if count > 1]


def test_nothing_tracked_names_a_machine_or_a_registry() -> None:
    """Proves: the checkout works anywhere. Sensitivity: a home folder's path or an index's host fails here."""
    machine = r"(?<![\w.~-])/(?:work|root|tmp|home|Users)/[\w.-]"
    registry = r"pypi\.org|pythonhosted\.org|registry\.npmjs|index-url|trusted-host"
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout")
    wrong = []
    for name in filter(None, git.stdout.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" in content[:8000]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if re.search(rf"{machine}|{registry}", line) and "machine = r" not in line and "registry = r" not in line:
                wrong.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


@cache
def _exported(path: Path) -> tuple[str, ...]:
    """Names in ``__all__`` of a package or module."""
    return tuple(_listed(ast.parse(path.read_text(encoding="utf-8"))))


def _doors(room: str) -> dict[str, tuple[str, ...]]:
    """What packages and modules of a room export: those that list it."""
    return {_name(path): _exported(path) for path in _files(room) if _exported(path)}


def _modules_exported(source: str, package: str) -> list[str]:
    """Names of a door that stand for modules."""
    tree = ast.parse(source)
    origins = {name: f"{package}.{name}" for name in _listed(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = str(node.module).removeprefix("emberline.")
            origins |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
    return [name for name in _listed(tree) if origins[name] in _modules()]


def _listed(tree: ast.Module) -> list[str]:
    assigned = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert len(assigned) < 2, f"two lists, lines {[node.lineno for node in assigned]}"
    return [str(name) for node in assigned for name in ast.literal_eval(node.value)]


@pytest.mark.parametrize("room", ROOMS)
def test_doors_export_no_modules(room: str) -> None:
    """Proves: a door names functions, classes and constants; a module would export all that it has. What is imported on
    demand is not called as a module next to it, which would be found in its place.

    Sensitivity: a module in ``__all__``, as it is planted below."""
    for path in _files(room):
        source = path.read_text(encoding="utf-8")
        assert not _modules_exported(source, _name(path)), path
        if "door(__name__)" in source:
            submodules = {name for name in _exported(path) if f"{_name(path)}.{name}" in _modules()}
            assert not submodules, (path, submodules)


@pytest.mark.parametrize(
    "source",
    [
        "from emberline.models import line\n__all__ = ['line']",
        "from emberline.runs.store import drafts as kept\n__all__ = ['kept']",
        "__all__ = ['drafts']",
    ],
)
def test_an_exported_module_is_seen(source: str) -> None:
    """Proves: what the test above looks for is found, imported or only named. Sensitivity: a renamed module."""
    assert _modules_exported(source, "runs.store")


@pytest.mark.parametrize("room", ["models", "planning", "studies", "runs", "reports", "live"])
def test_a_room_is_entered_by_its_doors(room: str) -> None:
    """Proves: rooms above use only what a door, a package or a module, lists in ``__all__``, imported from it or by its
    name; no door has more names than a folder may have files.

    Sensitivity: an import of ``runs.store.run_record`` by a page, a function of a door that is not on its list."""
    doors = _doors(room)
    crowded = {name: len(names) for name, names in doors.items() if len(names) > SIDE_BY_SIDE}
    assert not crowded, crowded
    highest = ["live", "ui", "app", "emberline"]
    above = [*ROOMS[ROOMS.index("planning") :], "app", "emberline"] if room == "models" else highest
    past = []
    for path in (file for other in above if other != room for file in _files(other)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used: set[tuple[str, str]] = set()
        here: dict[str, str] = {}
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith(f"emberline.{room}"):
                continue
            package = str(node.module).removeprefix("emberline.")
            for alias in node.names:
                whole = f"{package}.{alias.name}"
                if whole.startswith(OPEN) and not alias.name.startswith("_"):
                    continue
                if whole in doors and alias.name not in doors.get(package, ()):
                    here[alias.asname or alias.name] = whole
                else:
                    used.add((package, alias.name))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in here:
                used.add((here[node.value.id], node.attr))
        past += [f"{path.relative_to(ROOT)}: {a}.{b}" for a, b in sorted(used) if b not in doors.get(a, ())]
    assert not past, "\n".join(past)
