"""Run the migrations on the connection of the catalogue (``runs/store/catalogue/schema.py``)."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
with context.begin_transaction():  # within the caller's transaction
    context.run_migrations()
