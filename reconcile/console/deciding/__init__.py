"""Decisions by form: what was asked, what it is about now, and how it is recorded."""
