"""The single-application fast path: an optional part. Same decisions as arrays of one row, about 1.3 times as many."""
