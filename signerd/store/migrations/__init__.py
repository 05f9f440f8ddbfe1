"""Alembic's environment; `signerd.store.migration` runs it."""
