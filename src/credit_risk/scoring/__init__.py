"""All that one decision needs, with the base dependencies alone: features, model, policy, reasons, the scorer."""
