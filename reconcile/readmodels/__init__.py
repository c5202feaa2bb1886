"""What the history says: read from its tables, or folded from its events."""
