"""The report: what became of every expense, as plain data, and its faces."""
