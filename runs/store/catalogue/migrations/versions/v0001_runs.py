"""Catalogue of the first releases: one table without a version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("scenario", sa.String(60), nullable=False, index=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("goal", sa.String(30), nullable=False),
        sa.Column("gap", sa.Float),
        sa.Column("saved_carbon_kg", sa.Float),
        sa.Column("saved_cost", sa.Float),
        sa.Column("verdict", sa.Text, nullable=False),
    )
