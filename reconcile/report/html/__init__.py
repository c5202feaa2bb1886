"""The report as a page for people: words, figures, charts, and the page itself."""
