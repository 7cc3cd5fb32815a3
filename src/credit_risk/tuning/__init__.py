"""Searches LightGBM's parameters on the training rows: an optional part. It sees neither selection nor test rows."""
