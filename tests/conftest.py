"""What every test may use, and what is left out where the machine lacks it (in CI nothing may be lacking).

Mark a test ``browser`` when it drives the pages in Chromium, ``shared`` when it reads the shared folder of real
series and published cases, ``postgresql`` when it needs a database server, ``mosquitto`` when it needs a broker,
``libreoffice`` when it opens a file there; take the fixtures ``chromium``, ``shared``, ``postgresql``, ``broker`` and
``libreoffice`` for them.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from brokers import Broker
    from postgres import Server

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

gc.set_threshold(50_000, 20, 50)  # as the command does
# Workers of jobs wait for another one; those of a test need not outlive it by minutes.
os.environ.setdefault("EMBERLINE_IDLE_S", "20")
# They start hundreds of processes; each would compile all modules again where the environment forbids to keep them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What the tests store is theirs.
os.environ.pop("EMBERLINE_DATABASE", None)
# A property may plan or simulate: no time limit for each example. In CI the same examples each time.
settings.register_profile("emberline", deadline=None, derandomize=CI, print_blob=True)
# With a fault put in on purpose (`make mutants`) any example that fails will do: none is made smaller or kept.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("emberline")


def find_chromium() -> Path | None:
    """The browser named by EMBERLINE_CHROMIUM, or the first one found."""
    named = os.environ.get("EMBERLINE_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    if not named:
        names.append("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return next((Path(result) for name in names if (result := shutil.which(name))), None)


def find_postgresql() -> Path | None:
    """The folder of PostgreSQL's programs: named by EMBERLINE_POSTGRESQL, or the newest of Debian's, or on the path."""
    named = os.environ.get("EMBERLINE_POSTGRESQL")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = [Path(result).parent] if (result := shutil.which("initdb")) else []
    folders = [Path(named)] if named else [*debian[::-1], *on_path]
    return next((path for path in folders if (path / "initdb").is_file() and (path / "postgres").is_file()), None)


def find_libreoffice() -> Path | None:
    """LibreOffice: named by EMBERLINE_LIBREOFFICE, or the first one found."""
    named = os.environ.get("EMBERLINE_LIBREOFFICE")
    names = [named] if named else ["soffice", "libreoffice", "/Applications/LibreOffice.app/Contents/MacOS/soffice"]
    return next((Path(result) for name in names if (result := shutil.which(name))), None)


def find_mosquitto() -> Path | None:
    """The broker named by EMBERLINE_MOSQUITTO, or the first one on the path or where Debian has it."""
    named = os.environ.get("EMBERLINE_MOSQUITTO")
    place = shutil.which(named or "mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return None if place is None else Path(place)


def find_shared() -> Path | None:
    """The folder named by EMBERLINE_SHARED, or ``shared`` next to the checkout."""
    folder = Path(os.environ.get("EMBERLINE_SHARED") or ROOT.parent / "shared")
    return folder.resolve() if (folder / "data").is_dir() else None


NEEDS = {
    "browser": (find_chromium(), "Chromium is missing: apt install chromium, or set EMBERLINE_CHROMIUM to its path"),
    "postgresql": (
        find_postgresql(),
        "PostgreSQL is missing: apt install postgresql, or set EMBERLINE_POSTGRESQL to the folder of its initdb",
    ),
    "libreoffice": (
        find_libreoffice(),
        "LibreOffice is missing: apt install libreoffice-calc, or set EMBERLINE_LIBREOFFICE to its path",
    ),
    "mosquitto": (
        find_mosquitto(),
        "mosquitto is missing: apt install mosquitto, or set EMBERLINE_MOSQUITTO to its path",
    ),
    "shared": (
        find_shared(),
        "the shared folder is missing: put it next to the checkout, or set EMBERLINE_SHARED to its path",
    ),
}
LACKING = {marker: how for marker, (item, how) in NEEDS.items() if item is None}


def pytest_configure() -> None:
    """In CI a test that is left out unseen would be a hole: refuse to start. Every plan made here is judged."""
    if CI and LACKING:
        raise pytest.UsageError("CI is set, so nothing may be left out; " + "; ".join(LACKING.values()))
    from watched_plans import watch

    watch()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--quick``: only tests that take less than half a second."""
    parser.addoption("--quick", action="store_true", help="leave out the tests of tests/recorded/slow.txt")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, where that is asked for, and what this machine cannot run."""
    if config.getoption("--quick"):
        slow = set((ROOT / "tests" / "recorded" / "slow.txt").read_text(encoding="utf-8").split())
        left_out = [item for item in items if item.nodeid.partition("[")[0] in slow]
        items[:] = [item for item in items if item.nodeid.partition("[")[0] not in slow]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        for marker, how in LACKING.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"{marker}: {how}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out and how to get it."""
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = Counter(marker for report in skipped for marker in LACKING if marker in report.keywords)
    if left_out:
        terminalreporter.section("left out", sep="-", yellow=True)
    for marker, count in left_out.items():
        terminalreporter.line(f"tests marked {marker}: {count} left out; {LACKING[marker]}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; its test carries the marker ``shared``."""
    folder = NEEDS["shared"][0]
    assert folder is not None, "mark this test with @pytest.mark.shared"
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser; its test carries the marker ``browser``."""
    program = NEEDS["browser"][0]
    assert program is not None, "mark this test with @pytest.mark.browser"
    return program


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server of the tests' own; its test carries the marker ``postgresql``."""
    from postgres import running

    programs = NEEDS["postgresql"][0]
    assert programs is not None, "mark this test with @pytest.mark.postgresql"
    with running(programs) as server:
        yield server


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own; the test carries the marker ``mosquitto``."""
    from brokers import running

    program = NEEDS["mosquitto"][0]
    assert program is not None, "mark this test with @pytest.mark.mosquitto"
    with running(program, tmp_path) as one:
        yield one


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which database the catalogue of every home of a test is in: each of them in turn."""
    from emberline.runs.store.catalogue import VARIABLE, database

    if request.param == "postgresql":
        monkeypatch.setenv(VARIABLE, request.getfixturevalue("postgresql").schema())
    yield str(request.param)
    database.forget()


@pytest.fixture(scope="session")
def libreoffice() -> Path:
    """LibreOffice; its test carries the marker ``libreoffice``."""
    program = NEEDS["libreoffice"][0]
    assert program is not None, "mark this test with @pytest.mark.libreoffice"
    return program
