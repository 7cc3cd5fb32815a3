"""What another policy would have done on the test rows: an optional part. It fits nothing and decides about nobody."""
