"""Advice of the live loop, and the audit log of decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "live_advice",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("plant", sa.String(120), nullable=False, index=True),
        sa.Column("state", sa.String(12), nullable=False),
        *(sa.Column(name, sa.DateTime, nullable=False) for name in ("created", "data_at", "expires", "ends")),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "live_audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("plant", sa.String(120), nullable=False, index=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("advice", sa.String(32)),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("advice", "act", name="uq_live_audit_advice"),
    )
