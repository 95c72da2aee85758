"""How far long work is: where that is shown, and lines that show it there."""
