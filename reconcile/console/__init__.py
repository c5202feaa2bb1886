"""The page for finance, as an ASGI app. This file imports nothing of its extra."""
