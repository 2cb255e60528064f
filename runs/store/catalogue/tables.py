"""Tables of the catalogue after the newest migration, and the entry of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, DateTime, Float, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA = MetaData()


def _text(name: str, length: int | None = None) -> Column[str]:
    """Text column with a default, since earlier releases do not write it."""
    return Column(name, String(length) if length else Text, nullable=False, server_default="")


RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("scenario", String(60), nullable=False, index=True),
    Column("state", String(12), nullable=False),  # working, stored or broken
    Column("status", String(40), nullable=False),  # of the optimization, such as "within gap" or "infeasible"
    Column("created", DateTime, nullable=False, index=True),  # UTC
    Column("goal", String(30), nullable=False),
    Column("gap", Float),
    Column("saved_carbon_kg", Float),
    Column("saved_cost", Float),
    Column("verdict", Text, nullable=False),
    _text("home", 32),  # home folder with the run; empty: written by a release without this column
    _text("title"),  # title of the scenario
    _text("name", 80),  # given by the user
    _text("words"),  # searchable text, case-folded: name, scenario, title, tags
    _text("version", 40),  # version of Emberline
    _text("input_sha256", 64),
    Column("carbon_kg", Float),  # of the undisturbed replay, like cost and peak
    Column("cost", Float),
    _text("currency", 3),
    Column("peak_mw", Float),
    Column("deleted", DateTime),  # UTC; the folder is in the trash since then
)

TAGS = Table(
    "run_tags",
    METADATA,
    Column("run", String(32), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(30), primary_key=True, index=True),
)

HOMES = Table(
    "homes",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("place", Text, nullable=False),  # host and folder, for people
)

ADVICE = Table(
    "live_advice",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("plant", String(120), nullable=False, index=True),
    Column("state", String(12), nullable=False),  # open, approved, declined, expired, replaced or withdrawn
    Column("created", DateTime, nullable=False),  # UTC of the plant's clock, like the other times
    Column("data_at", DateTime, nullable=False),
    Column("expires", DateTime, nullable=False),
    Column("ends", DateTime, nullable=False),  # end of a plan in force
    Column("hash", String(64), nullable=False),  # hash of the schedule
    Column("body", Text, nullable=False),
)

AUDIT = Table(
    "live_audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("plant", String(120), nullable=False, index=True),
    Column("at", DateTime, nullable=False),
    Column("act", String(20), nullable=False),
    Column("advice", String(32)),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("hash", String(64), nullable=False),  # hash of the row and the previous one
    UniqueConstraint("advice", "act", name="uq_live_audit_advice"),
)


STATES = ("working", "stored", "broken", "deleted")


@dataclass(frozen=True)
class Entry:
    """Run in the catalogue. Figures are of the undisturbed replay, None if there is no plan."""

    id: str
    scenario: str
    state: str
    """One of ``STATES``."""
    status: str
    """Status of the optimization, such as ``within gap`` or ``infeasible``."""
    created: datetime
    """Time of creation in UTC."""
    goal: str
    gap: float | None
    saved_carbon_kg: float | None
    """Saving against the baseline."""
    saved_cost: float | None
    verdict: str
    home: str
    """Id of the home folder with the run's files."""
    title: str
    """Title of the scenario: free text."""
    name: str
    """Name given by a user; empty: none."""
    version: str
    """Version of Emberline."""
    input_sha256: str
    """Equal for runs of the same scenario and series."""
    carbon_kg: float | None
    cost: float | None
    currency: str
    peak_mw: float | None
    deleted: datetime | None
    """Time of deletion in UTC; None: not deleted."""
    tags: tuple[str, ...] = ()
    """Tags in alphabetical order."""
