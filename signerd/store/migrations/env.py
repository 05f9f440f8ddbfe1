"""Run by Alembic for every command: puts the migrations on the connection it was given."""

from alembic import context

from signerd.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can take back DDL, which Alembic does not expect of it: all or nothing.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
