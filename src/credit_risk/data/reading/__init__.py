"""Files as lenders write them, read cell by cell: what a table holds, and what of it could not be read."""
