"""What people decide: each decision is an event with its actor and its reason."""
