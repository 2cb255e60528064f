"""The store: every run is a folder and a row in the catalogue, written whole or not at all.

A run is announced in the catalogue before work begins, its files are written to a folder beside the final one, and the
folder is renamed when everything is on disk. While it works, the owner holds a lock that the system takes back when the
process ends in whatever way; a run whose lock is free and whose folder is missing is told as ``broken``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr
from filelock import FileLock, Timeout
from platformdirs import user_data_path
from sqlalchemy import DateTime, Float, String, Text, create_engine, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from plans.figures import Figures
from plans.plan import Plan, Replays
from scenarios import Scenario

FORMAT = 1
RUN_ID = re.compile(r"[0-9a-f]{32}\Z")
PACKAGES = ("emberline", "pyomo", "highspy", "simpy", "xarray", "numpy")
DATASETS = ("envelope", "baseline", "schedule", "replay")


class StoreError(ValueError):
    """A run that is not there, is ambiguous, or cannot be opened."""


class Base(DeclarativeBase):
    """Tables of the catalogue."""


class Row(Base):
    """One run in the catalogue."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(60), index=True)
    state: Mapped[str] = mapped_column(String(12))
    """``working``, ``stored`` or ``broken``."""
    status: Mapped[str] = mapped_column(String(40), default="")
    """Status of the optimization, such as ``within gap`` or ``infeasible``."""
    created: Mapped[datetime] = mapped_column(DateTime)
    """UTC."""
    goal: Mapped[str] = mapped_column(String(30), default="")
    gap: Mapped[float | None] = mapped_column(Float, default=None)
    saved_carbon_kg: Mapped[float | None] = mapped_column(Float, default=None)
    saved_cost: Mapped[float | None] = mapped_column(Float, default=None)
    verdict: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True)
class StoredRun:
    """A run read back from its folder."""

    id: str
    folder: Path
    meta: dict[str, Any]
    plan: Plan


def home() -> Path:
    """Where runs are kept: ``EMBERLINE_HOME``, or the user's data folder."""
    return Path(os.environ.get("EMBERLINE_HOME") or user_data_path("emberline", appauthor=False))


class Store:
    """The runs of one home folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or home()).absolute()
        self.runs_folder.mkdir(parents=True, exist_ok=True)
        self.engine = _engine(f"sqlite:///{self.folder / 'catalogue.db'}")
        # two processes that make a new home at the same moment would both create the table
        with FileLock(self.folder / "catalogue.lock", timeout=30):
            Base.metadata.create_all(self.engine)

    @property
    def runs_folder(self) -> Path:
        """Holds one folder for each run."""
        return self.folder / "runs"

    def path(self, run: str) -> Path:
        """Folder of a run."""
        if not RUN_ID.match(run):
            raise StoreError(f"{run[:40]!r} is not the id of a run (32 hexadecimal digits)")
        return self.runs_folder / run

    @contextmanager
    def working(self, scenario: Scenario, run: str | None = None) -> Iterator[str]:
        """Announce a run and hold its lock while it is made; yields its id.

        A run that ends without :meth:`save` is marked as broken.
        """
        run = run or uuid.uuid4().hex
        lock = self._lock(run)
        with lock:
            row = Row(
                id=run,
                scenario=scenario.name,
                state="working",
                created=datetime.now(UTC).replace(tzinfo=None),
                goal=scenario.goal.minimize,
            )
            with Session(self.engine) as session, session.begin():
                session.add(row)
            try:
                yield run
            finally:
                with Session(self.engine) as session, session.begin():
                    found = session.get(Row, run)
                    if found is not None and found.state == "working":
                        found.state = "broken"
                shutil.rmtree(self._partial(run), ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)

    def save(self, run: str, made: Plan) -> Path:
        """Write a plan whole: files first, then the rename, then the row."""
        folder, partial = self.path(run), self._partial(run)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        scenario_json = made.scenario.model_dump_json(indent=1, exclude_defaults=True)
        (partial / "scenario.json").write_text(scenario_json, encoding="utf-8")
        made.scenario.inputs.to_netcdf(partial / "inputs.nc")
        for name in DATASETS:
            data = getattr(made, name)
            if data is not None:
                data.to_netcdf(partial / f"{name}.nc")
        if made.replays is not None:
            made.replays.data.to_netcdf(partial / "replays.nc")
        hashes = {path.name: _sha256(path) for path in sorted(partial.iterdir())}
        meta = {
            "run": run,
            "format": FORMAT,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {name: version(name) for name in PACKAGES},
            "seed": made.scenario.disturbances.seed,
            "input_sha256": hashlib.sha256((scenario_json + hashes["inputs.nc"]).encode()).hexdigest(),
            "files_sha256": hashes,
            "signs": "import, export, charge and discharge are each positive in their own direction",
            "zone": made.scenario.horizon.zone,
            "summary": made.summary(),
        }
        (partial / "plan.json").write_text(json.dumps(meta, indent=1, allow_nan=False), encoding="utf-8")
        for path in partial.iterdir():
            _sync(path)
        _sync(partial)
        os.replace(partial, folder)
        _sync(self.runs_folder)
        saved = made.saved()
        with Session(self.engine) as session, session.begin():
            row = session.get_one(Row, run)
            row.state, row.status, row.gap = "stored", made.status, made.gap
            row.saved_carbon_kg, row.saved_cost = saved.get("carbon_kg"), saved.get("cost")
            row.verdict = made.verdict
        return folder

    def list(self) -> list[Row]:
        """All runs, newest first; runs whose maker has died are marked on the way."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            rows = list(session.scalars(select(Row).order_by(Row.created.desc())))
            for row in rows:
                if row.state == "working" and not self._alive(row.id):
                    # renamed but not yet entered: the folder is whole, only the row is behind
                    if (self.path(row.id) / "plan.json").is_file():
                        summary = json.loads((self.path(row.id) / "plan.json").read_text(encoding="utf-8"))["summary"]
                        row.state, row.status, row.gap = "stored", summary["status"], summary["gap"]
                        row.saved_carbon_kg = summary["saved"].get("carbon_kg")
                        row.saved_cost, row.verdict = summary["saved"].get("cost"), summary["verdict"]
                    else:
                        row.state = "broken"
                        shutil.rmtree(self._partial(row.id), ignore_errors=True)
            return rows

    def find(self, prefix: str) -> str:
        """The id of the run that a prefix names; ``last`` names the newest stored one.

        Raises:
            StoreError: there is none, or more than one.
        """
        rows = self.list()
        if prefix == "last":
            stored = [row.id for row in rows if row.state == "stored"]
            if not stored:
                raise StoreError("there is no stored run yet; make one with 'emberline plan'")
            return stored[0]
        if not re.fullmatch(r"[0-9a-f]{4,32}", prefix):
            raise StoreError(f"{prefix[:40]!r} names no run: give at least four digits of its id, or 'last'")
        found = [row.id for row in rows if row.id.startswith(prefix)]
        if len(found) != 1:
            raise StoreError(f"{len(found) or 'no'} runs begin with {prefix!r}; 'emberline runs' lists them")
        return found[0]

    def open(self, run: str) -> StoredRun:
        """Read a run back.

        Raises:
            StoreError: it is not there, broken, or of a format that this version does not know.
        """
        folder = self.path(run)
        try:
            meta = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StoreError(f"run {run} has no plan: it is broken, or still being made") from None
        if meta.get("format") != FORMAT:
            raise StoreError(
                f"run {run} has format {meta.get('format')}, this version reads {FORMAT}; make the plan again"
            )
        torn = [name for name, digest in meta["files_sha256"].items() if not _is_whole(folder / name, digest)]
        if torn:
            raise StoreError(f"run {run} is torn: {', '.join(torn)} missing or altered; make the plan again")
        scenario = Scenario.model_validate_json((folder / "scenario.json").read_text(encoding="utf-8"))
        data = {name: _load(folder / f"{name}.nc") for name in (*DATASETS, "inputs", "replays")}
        inputs, envelope, baseline = (data[name] for name in ("inputs", "envelope", "baseline"))
        assert inputs is not None
        assert envelope is not None
        assert baseline is not None
        summary = meta["summary"]
        replays = summary["replays"]
        plan = Plan(
            scenario=scenario.with_inputs(inputs),
            envelope=envelope,
            baseline=baseline,
            baseline_figures=_figures(summary["baseline"]),
            baseline_complete=summary["baseline"]["complete"],
            status=summary["status"],
            objective=summary["objective"],
            bound=summary["bound"],
            gap=summary["gap"],
            reason=summary["reason"],
            schedule=data["schedule"],
            schedule_figures=_figures(summary["schedule"]) if summary["schedule"] else None,
            replay=data["replay"],
            replay_figures=_figures(summary["replay"]) if summary["replay"] else None,
            replays=Replays(replays["n"], replays["held"], data["replays"]) if data["replays"] is not None else None,
            seconds=summary["seconds"],
        )
        return StoredRun(run, folder, meta, plan)

    def delete(self, run: str) -> None:
        """Remove a run that nobody is making, folder and row."""
        folder = self.path(run)
        if self._alive(run):
            raise StoreError(f"run {run} is being made; cancel it first")
        with Session(self.engine) as session, session.begin():
            row = session.get(Row, run)
            if row is not None:
                session.delete(row)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self._partial(run), ignore_errors=True)
        Path(self._lock(run).lock_file).unlink(missing_ok=True)

    def _partial(self, run: str) -> Path:
        return self.runs_folder / f".{run}.partial"

    def _lock(self, run: str) -> FileLock:
        self.path(run)
        return FileLock(self.runs_folder / f".{run}.lock", timeout=0)

    def _alive(self, run: str) -> bool:
        try:
            with self._lock(run):
                return False
        except Timeout:
            return True


def _engine(url: str) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _figures(stored: dict[str, Any]) -> Figures:
    # a run of an earlier release lacks the figures that came later
    return Figures(**{name: stored[name] for name in Figures.__dataclass_fields__ if name in stored})


def _load(path: Path) -> xr.Dataset | None:
    if not path.is_file():
        return None
    with xr.open_dataset(path) as data:
        return data.load()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and _sha256(path) == digest


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
