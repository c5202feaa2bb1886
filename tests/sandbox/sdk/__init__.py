"""Codat's own SDKs, each in an environment of its own, drive the sandbox."""
