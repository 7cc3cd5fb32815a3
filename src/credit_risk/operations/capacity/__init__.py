"""How many replicas the next hours need, and what the settings should be. It says so; others scale and decide."""
