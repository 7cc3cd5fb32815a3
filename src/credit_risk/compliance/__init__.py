"""What laws and house rules ask of a data set, answered by checks of the data: an optional part, read from policies."""
