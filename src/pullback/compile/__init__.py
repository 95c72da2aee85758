"""From circuits to Programs that an engine runs."""
