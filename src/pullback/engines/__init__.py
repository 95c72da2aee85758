"""What runs a Program. Each engine is one file and gives the same results as the others."""
