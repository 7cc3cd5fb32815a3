"""A first config from what the data look like and what its owner says: profile, draft, policy floor."""
