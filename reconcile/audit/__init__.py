"""Audit: what a stranger may check without trusting us."""
