"""What is to be sent again: a frozen plan of it, and its run."""
