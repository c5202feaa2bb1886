"""The console: what stands in one history, as pages for finance and operations.

This file imports nothing of the extra.
"""
