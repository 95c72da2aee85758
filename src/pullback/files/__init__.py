"""Files of examples: found in folders and lists, read by threads, with what is said meanwhile."""
