"""Runs the migrations on the connection that the catalogue gives (``runs/store/catalogue/schema.py``)."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
with context.begin_transaction():  # the caller's: it ends there
    context.run_migrations()
