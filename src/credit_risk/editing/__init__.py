"""Changing configs by command or form, one value at a time: an optional part. It decides nothing, and checks it all."""
