"""Names, tags, figures, trash, and the home that contains a run.

Every new column has a default, so that a running earlier release does not fail. Missing values of its rows, which have
an empty ``home``, are read from the run folders later (``runs/store/store.py``).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXTS = {"home": 32, "title": None, "name": 80, "words": None, "version": 40, "input_sha256": 64, "currency": 3}
FIGURES = ("carbon_kg", "cost", "peak_mw")


def upgrade() -> None:
    """Add columns and tables."""
    for name, length in TEXTS.items():
        kind = sa.String(length) if length else sa.Text()
        op.add_column("runs", sa.Column(name, kind, nullable=False, server_default=""))
    for name in FIGURES:
        op.add_column("runs", sa.Column(name, sa.Float))
    op.add_column("runs", sa.Column("deleted", sa.DateTime))
    op.create_index("ix_runs_created", "runs", ["created"])
    op.create_table(
        "run_tags",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(30), primary_key=True, index=True),
    )
    op.create_table(
        "homes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
    )
