"""Adversarial and membership attacks on a scorer: an optional part. It asks the scorer, as a client would."""
