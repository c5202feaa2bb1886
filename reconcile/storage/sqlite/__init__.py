"""The SQLite engine: one file, its tables and its locks."""
