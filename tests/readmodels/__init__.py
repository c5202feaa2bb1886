"""The read models: how far they read, and what they make of it."""
