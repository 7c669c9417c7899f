"""The database under a journal: where it is, SQLite and PostgreSQL, schema, tables, triggers."""
