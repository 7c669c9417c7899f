"""Alembic's environment: runs the versions on a connection that the journal hands over.

Alembic cannot run it by itself: the journal holds the writer lock, begins the transaction and commits it, so that a
database has either the old schema or the new one.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection):
    raise TypeError("the journal runs its migrations itself: use `earwitness db upgrade`")

# Batch mode would copy a table and drop its triggers, so it stays off.
context.configure(connection=connection, render_as_batch=False, transaction_per_migration=False)
context.run_migrations()
