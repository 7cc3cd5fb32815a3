"""From a stranger's files to a config of their own, and staying up to date with upstream. Fits no model."""
