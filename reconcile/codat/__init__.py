"""The edge with Codat: all that knows its URLs, JSON, headers and captures."""
