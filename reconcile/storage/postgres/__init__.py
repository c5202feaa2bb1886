"""The PostgreSQL engine: a schema a book, on psycopg and eventsourcing's recorders."""
