"""From a circuit to the code that a person would write, to read and to run by itself."""
