"""Where events, evidence and views are kept; the only place with SQL."""
