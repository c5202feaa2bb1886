"""How an expense is judged, a file a section of its page: facts in, item out."""
