"""Runs revisions on the connection that `schema_upgrade.py` hands over, as a part of its transaction."""

from alembic import context

from sync.origin.tables.all_tables import metadata

# SQLite changes a column only by making its table anew, which `render_as_batch` and `op.batch_alter_table` do.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
