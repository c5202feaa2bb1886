"""One module a page: a question in, plain data for a template out."""
