"""The tables of the catalogue as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Float, ForeignKey, MetaData, String, Table, Text

METADATA = MetaData()


def _text(name: str, length: int | None = None) -> Column[str]:
    """Text that earlier releases do not write, hence the default."""
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
    _text("home", 32),  # which home folder keeps it; empty: written by a release that knew only one
    _text("title"),  # of the scenario
    _text("name", 80),  # the user's
    _text("words"),  # what a search looks in, case folded: name, scenario, title, tags
    _text("version", 40),  # of Emberline
    _text("input_sha256", 64),
    Column("carbon_kg", Float),  # of the undisturbed replay, as are cost and peak
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
