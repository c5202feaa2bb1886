"""What talks to Codat by itself: dispatch, recovery, the follower and its agenda."""
