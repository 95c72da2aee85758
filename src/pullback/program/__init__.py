"""From circuits to Programs, and from Programs to simpler ones, for whatever engine runs them."""
