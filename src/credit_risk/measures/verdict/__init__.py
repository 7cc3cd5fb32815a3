"""What gates conclude from figures: PASS, FAIL or CANNOT SAY, the record of it, and the waivers that come last."""
