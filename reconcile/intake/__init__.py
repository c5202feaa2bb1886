"""Where bytes come in: evidence kept, read, and recorded as events."""
