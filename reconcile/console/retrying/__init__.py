"""Plans that are frozen for a form, and the runs of them in threads of their own."""
