"""Pages in a real browser: what a reader sees, at each width and in both schemes."""
