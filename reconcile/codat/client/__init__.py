"""What asks Codat: the only room that knows httpx."""
