"""figures: data in, Figure out; nothing is computed that a table does not hold."""
